//! The steps of the demo with the plugin's own keys, and its end.

use crate::keys::KEY;
use crate::report::Report;
use crate::scene::Scene;

impl Scene {
    pub(crate) fn renew_wrapping_key(&mut self, report: &mut Report) -> Result<(), String> {
        report.step("configure: register another wrapping key", || {
            let before = self.own_key("wrapping-key.skey")?;
            let command = ["kms", "configure", "--gen-wrapping-key"];
            // The former one is to be destroyed.
            self.host.answer(&command, "y\n")?;
            if self.own_key("wrapping-key.skey")? == before {
                return Err("it is the same".to_owned());
            }
            Ok(((), String::new()))
        })?;
        report.step("refresh the keys, wrapped by it", || {
            self.host.run(&["kms", "refresh"])?;
            Ok(((), self.describe(KEY)?))
        })
    }

    pub(crate) fn reencipher(&mut self, report: &mut Report) -> Result<(), String> {
        report.step("re-encipher the plugin's keys for a new master key", || {
            let before = self.own_key("identity-key.skey")?;
            self.coprocessor.load_master_key(&self.host)?;
            self.host.run(&["kms", "reencipher", "--staged"])?;
            self.coprocessor.set_master_key(&self.host)?;
            self.host.run(&["kms", "reencipher", "--complete"])?;
            if self.own_key("identity-key.skey")? == before {
                return Err("the identity key is the same".to_owned());
            }
            Ok(((), String::new()))
        })?;
        report.step("refresh the keys, which have the new master key", || {
            self.host.run(&["kms", "refresh"])?;
            self.host.run(&["validate", "--check-kms"])?;
            Ok(((), self.describe(KEY)?))
        })
    }

    pub(crate) fn unbind(&mut self, report: &mut Report) -> Result<(), String> {
        report.step("unbind the repository, which keeps its keys", || {
            self.host.answer(&["kms", "unbind"], "y\n")?;
            if self.plugin_directory().exists() {
                return Err(format!("{} stays", self.plugin_directory().display()));
            }
            Ok(((), self.describe(KEY)?))
        })
    }

    /// A key that the plugin has for itself.
    fn own_key(&self, name: &str) -> Result<Vec<u8>, String> {
        let path = self.plugin_directory().join(name);
        std::fs::read(&path).map_err(|e| format!("{}: {e}", path.display()))
    }

    fn plugin_directory(&self) -> std::path::PathBuf {
        self.repository().join("KMIP")
    }
}
