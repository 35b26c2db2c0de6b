//! `kmip dev-certs`: certificates for a trial, and a configuration file that uses them.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use kmip_server::trial::{Issuer, LOCAL_HOSTS};
use openssl::error::ErrorStack;
use serde_json::json;

use crate::arguments::DevCerts;
use crate::failure::Failure;
use crate::files;
use crate::online::show;

/// What is made.
const FILES: [&str; 7] = [
    "ca.crt",
    "ca.key",
    "server.crt",
    "server.key",
    "client.crt",
    "client.key",
    "servers.toml",
];

pub(crate) fn run(options: &DevCerts) -> Result<ExitCode, Failure> {
    make_in(options)?;
    match options.show.json {
        true => {
            let path = |name: &str| options.directory.join(name);
            let files = FILES.map(|name| (name.to_owned(), json!(path(name))));
            show::json(&files.into_iter().collect())?;
        }
        false => explain(&options.directory, options)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Makes the files, without a word.
pub(crate) fn make_in(options: &DevCerts) -> Result<(), Failure> {
    let directory = &options.directory;
    std::fs::create_dir_all(directory).map_err(Failure::writing(directory))?;
    for name in FILES {
        let path = directory.join(name);
        if path.symlink_metadata().is_ok() {
            return Err(Failure::Exists(path));
        }
    }
    let made = make(options).map_err(Failure::openssl("make certificates"))?;
    for (name, content) in made {
        files::create(&directory.join(name), &content)?;
    }
    let configuration = configuration(&options.hosts);
    files::create(&directory.join("servers.toml"), configuration.as_bytes())
}

/// Names and contents of the files, keys last of each pair so that none is there alone.
fn make(options: &DevCerts) -> Result<Vec<(&'static str, Vec<u8>)>, ErrorStack> {
    let authority = Issuer::new("kmip trial CA", options.key_type, options.days)?;
    let mut hosts: Vec<&str> = LOCAL_HOSTS.to_vec();
    hosts.extend(options.hosts.iter().map(String::as_str));
    let (server_key, server) = authority.server("kmip server", &hosts)?;
    let (client_key, client) = authority.client(&options.client)?;
    Ok(vec![
        ("ca.crt", authority.certificate().to_pem()?),
        ("ca.key", authority.key().private_key_to_pem_pkcs8()?),
        ("server.crt", server.to_pem()?),
        ("server.key", server_key.private_key_to_pem_pkcs8()?),
        ("client.crt", client.to_pem()?),
        ("client.key", client_key.private_key_to_pem_pkcs8()?),
    ])
}

fn configuration(hosts: &[String]) -> String {
    let host = hosts.first().map_or("localhost", String::as_str);
    let address = match host.contains(':') {
        true => format!("[{host}]:5696"),
        false => format!("{host}:5696"),
    };
    format!(
        "# Use it with --config or KMIP_CONFIG, or as ~/.config/kmip/servers.toml. Paths start here.\n\
         default = \"dev\"\n\n[servers.dev]\naddress = \"{address}\"\ncert = \"client.crt\"\n\
         key = \"client.key\"\nca = \"ca.crt\"\n"
    )
}

fn explain(directory: &Path, options: &DevCerts) -> Result<(), Failure> {
    let path = |name: &str| PathBuf::from(directory).join(name).display().to_string();
    let hosts = options.hosts.iter().map(String::as_str);
    let hosts: Vec<&str> = LOCAL_HOSTS.into_iter().chain(hosts).collect();
    show::line(&format!(
        "Certificates for {} days in {}, for a server at {}, and for the client `{}`.\n\
         Keys are readable by you alone. They are for trials: keep the key of a real CA elsewhere.\n\n\
         Run a server, and use it from another terminal:\n\n  \
           kmip serve --cert {} --key {} --client-ca {}\n  \
           export KMIP_CONFIG={}\n  \
           kmip create --name disk --activate\n  \
           kmip locate\n  \
           kmip doctor",
        options.days,
        directory.display(),
        hosts.join(", "),
        options.client,
        path("server.crt"),
        path("server.key"),
        path("ca.crt"),
        path("servers.toml"),
    ))
}
