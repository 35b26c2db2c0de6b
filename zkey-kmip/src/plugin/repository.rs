//! The repository around the configuration, as far as a plugin may look at it (behaviour reference 1.8).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::properties::{Integrity, Properties};

/// A repository whose keys are those of this configuration.
pub(super) struct Repository(PathBuf);

impl Repository {
    /// The repository that is bound to the configuration in this directory; `None` if that is
    /// somewhere else, where a plugin cannot know what its host keeps.
    pub(super) fn bound_to(config_directory: &Path) -> Option<Repository> {
        let directory = config_directory.parent()?;
        let binding = Properties::load(&directory.join("kms.conf"), Integrity::Hashed).ok()?;
        // The repository may have been moved.
        let bound = Path::new(binding.get_os("config")?).file_name()?;
        (bound == config_directory.file_name()?).then(|| Repository(directory.to_owned()))
    }

    /// Whether a key of the repository may be the one with this identifier at the server.
    ///
    /// # Errors
    /// Not all keys can be read, so that nobody knows.
    pub(super) fn refers_to(&self, key_id: &str) -> io::Result<bool> {
        let key_id = key_id.as_bytes();
        for entry in fs::read_dir(&self.0)? {
            let path = entry?.path();
            if path.extension().is_some_and(|ending| ending == "info") {
                let content = fs::read(path)?;
                // Anywhere: rather once too often.
                if content.windows(key_id.len()).any(|part| part == key_id) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_bound_repository_is_looked_at() {
        let directory = tempfile::tempdir().unwrap();
        let config = directory.path().join("KMIP");
        fs::create_dir(&config).unwrap();
        assert!(Repository::bound_to(&config).is_none());
        let mut binding = Properties::new();
        binding.set("kms", "KMIP").unwrap();
        let path = directory.path().join("kms.conf");
        for (bound, expected) in [("/moved/KMIP", true), ("/moved/Other", false)] {
            binding.set("config", bound).unwrap();
            binding.save(&path, Integrity::Hashed).unwrap();
            assert_eq!(Repository::bound_to(&config).is_some(), expected);
        }
    }

    #[test]
    fn a_key_that_cannot_be_read_may_be_any() {
        let directory = tempfile::tempdir().unwrap();
        let repository = Repository(directory.path().to_owned());
        assert!(!repository.refers_to("id-1").unwrap());
        fs::write(directory.path().join("a.info"), "kms-xts-key2-id=id-1\n").unwrap();
        fs::write(directory.path().join("a.skey"), "id-2").unwrap();
        assert!(repository.refers_to("id-1").unwrap());
        assert!(!repository.refers_to("id-2").unwrap());
        fs::create_dir(directory.path().join("b.info")).unwrap();
        assert!(repository.refers_to("id-2").is_err());
    }
}
