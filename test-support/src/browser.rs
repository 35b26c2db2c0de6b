//! A browser without a window, for tests of pages.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::skip;

/// Chromium, with a profile of its own.
pub struct Browser {
    program: PathBuf,
    profile: TempDir,
}

impl Browser {
    /// The browser of the machine; where there is none, the test is [skipped](skip).
    pub fn find() -> Option<Self> {
        let path = env::var_os("PATH").unwrap_or_default();
        let mut places = env::split_paths(&path).map(|place| place.join("chromium"));
        let Some(program) = places.find(|program| program.exists()) else {
            skip("there is no chromium");
            return None;
        };
        let profile = TempDir::new().expect("a directory for the profile");
        Some(Browser { program, profile })
    }

    /// The document at an address, after the browser has read it.
    pub fn document(&self, url: &str) -> String {
        self.run(&["--dump-dom"], url)
    }

    /// Takes a picture of a page of this width and height, which has to be one of something. It is kept
    /// as `NAME.png` for people to look at, and the test says where: in the directory that
    /// `KMIP_SCREENSHOTS` names, by default in `screenshots` of the target directory.
    pub fn picture(&self, url: &str, name: &str, size: (u32, u32), dark: bool) {
        let directory = pictures();
        fs::create_dir_all(&directory).expect("a directory for pictures");
        let file = directory.join(format!("{name}.png"));
        // That of an earlier run proves nothing.
        let _ = fs::remove_file(&file);
        let mut options = vec![
            format!("--screenshot={}", file.display()),
            format!("--window-size={},{}", size.0, size.1),
        ];
        if dark {
            options.push("--blink-settings=preferredColorScheme=0".to_owned());
        }
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        self.run(&options, url);
        let picture = fs::read(&file).expect("a picture");
        let shows = picture.starts_with(b"\x89PNG") && picture.len() > 5_000;
        assert!(shows, "{url}");
        println!("screenshot: {}", file.display());
    }

    fn run(&self, options: &[&str], url: &str) -> String {
        let output = Command::new(&self.program)
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-extensions",
            ])
            .arg(format!("--user-data-dir={}", self.profile.path().display()))
            .args(options)
            .arg(url)
            .output()
            .expect("the browser");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

fn pictures() -> PathBuf {
    if let Some(directory) = env::var_os("KMIP_SCREENSHOTS") {
        return directory.into();
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = root.parent().expect("the workspace");
    let target = env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    root.join(target).join("screenshots")
}
