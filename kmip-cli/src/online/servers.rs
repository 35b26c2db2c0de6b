//! `kmip servers`: what the configuration file has.

use serde_json::{Value as Json, json};

use super::show;
use crate::arguments::ServersOptions;
use crate::connect::Configuration;
use crate::failure::Failure;

pub(super) fn run(options: &ServersOptions) -> Result<(), Failure> {
    let configuration = Configuration::load(options.config.as_deref())?;
    let is_default = |name: &str| match &configuration.default {
        Some(default) => default == name,
        None => configuration.servers.len() == 1,
    };
    let servers = configuration.servers.iter().map(|(name, entry)| {
        let place = entry.address.as_ref().or(entry.https.as_ref());
        (name, place.cloned().unwrap_or_default(), entry)
    });
    if options.show.json {
        let list: Json = servers
            .map(|(name, place, entry)| {
                json!({
                    "name": name,
                    "address": place,
                    "https": entry.https.is_some(),
                    "user": entry.user,
                    "default": is_default(name),
                })
            })
            .collect();
        return show::json(&json!({ "file": configuration.path, "servers": list }));
    }
    if configuration.servers.is_empty() {
        let path = configuration.path.display();
        return show::line(&format!("there are no servers in {path}"));
    }
    let rows = servers.map(|(name, place, entry)| {
        let mark = if is_default(name) { "default" } else { "" };
        let user = entry.user.clone().unwrap_or_default();
        vec![name.clone(), place, user, mark.to_owned()]
    });
    show::table(&["name", "address", "user", ""], rows.collect())
}
