//! wrangler on a configuration of a test's own.
use std::fs;
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::client::Client;
use crate::logs::Logs;
use crate::paths::Paths;
use crate::wait::{PATIENCE, until_some};
use crate::workerd::{Address, mortal_shell};

/// wrangler, with a folder for its configuration and whatever it keeps.
#[derive(Debug)]
pub struct Wrangler {
    home: TempDir,
}

impl Wrangler {
    /// With this configuration, less its build step: `main` stands already, and a custom build would make it once
    /// more, under the tests.
    pub fn on(mut table: toml::Table, main: &Path) -> Self {
        let home = tempfile::tempdir().unwrap();
        table.remove("build");
        // Paths in a configuration are relative to it.
        table.insert("main".to_owned(), main.to_str().unwrap().into());
        fs::write(home.path().join(CONFIG_FILE), table.to_string()).unwrap();
        Self { home }
    }

    /// The folder that commands run in.
    pub fn folder(&self) -> &Path {
        self.home.path()
    }

    /// Runs a command to its end, which must be a good one, and gives what it said.
    pub fn run(&self, arguments: &[&str]) -> String {
        let mut command = self.command(Command::new(Paths::get().node()));
        let output = command.args(arguments).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        assert!(output.status.success(), "{said}");
        said
    }

    /// Runs `wrangler dev` with these arguments, and waits until it listens.
    pub async fn dev(&self, arguments: &[&str]) -> WranglerDev {
        // Told to end, it ends the workerd below it.
        let mut shell = mortal_shell("TERM");
        shell.args(["-c", r#"exec "$0" "$@" 1>&2"#]);
        shell.arg(Paths::get().node());
        let mut command = self.command(shell);
        command
            .args(["dev", "--local", "--ip", "127.0.0.1", "--port", "0"])
            .args(["--inspector-port", "0"])
            .arg("--show-interactive-dev-session=false")
            .args(arguments)
            .process_group(0)
            .stdin(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let logs = Logs::default();
        logs.follow(child.stderr.take().unwrap());
        // Made first, so that the process goes when the wait is in vain.
        let mut dev = WranglerDev {
            child,
            logs,
            address: None,
        };
        let address = until_some("wrangler dev is ready", PATIENCE, async || {
            let text = dev.logs.text();
            let (_, rest) = text.split_once("Ready on http://")?;
            rest.lines().next()?.trim().parse().ok()
        });
        dev.address = Some(address.await);
        dev
    }

    /// wrangler on whatever `command` runs it with: in its folder, quiet, and asking nobody for anything.
    fn command(&self, mut command: Command) -> Command {
        let home = self.folder();
        command
            .arg(Paths::get().wrangler())
            .args(["--config", CONFIG_FILE])
            .current_dir(home)
            .envs([("HOME", home), ("XDG_CONFIG_HOME", home)])
            .envs([
                ("CI", "1"),
                ("NO_COLOR", "1"),
                ("WRANGLER_SEND_METRICS", "false"),
                ("WRANGLER_HIDE_BANNER", "true"),
                ("CLOUDFLARE_CF_FETCH_ENABLED", "false"),
            ]);
        command
    }
}

const CONFIG_FILE: &str = "wrangler.toml";

/// A running `wrangler dev`. Dropping it ends it, with the workerd below it.
#[derive(Debug)]
pub struct WranglerDev {
    child: Child,
    logs: Logs,
    address: Option<SocketAddr>,
}

impl WranglerDev {
    /// A client of the Worker, without a token.
    pub fn client(&self) -> Client {
        let address = self.address.expect("it listens");
        Client::new(Address::fixed(address))
    }
}

impl Drop for WranglerDev {
    fn drop(&mut self) {
        // The group, which has no other member than wrangler and the workerd below it.
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- output of wrangler dev:\n{}\n---", self.logs.text());
        }
    }
}
