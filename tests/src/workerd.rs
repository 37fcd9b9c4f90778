//! A workerd process.
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::mpsc;

use rusqlite::Connection;
use serde_json::Value;
use tempfile::TempDir;

use crate::capnp::{self, MAIN, NEIGHBOUR};
use crate::client::Client;
use crate::deployment::Deployment;
use crate::logs::Logs;
use crate::paths::{Paths, on_path};
use crate::wait::{PATIENCE, until};

/// Where a process listens now; it changes when the process is started again.
#[derive(Clone, Debug)]
pub struct Address(Arc<AtomicU16>);

impl Address {
    fn unknown() -> Self {
        Self(Arc::new(AtomicU16::new(0)))
    }

    pub(crate) fn fixed(address: SocketAddr) -> Self {
        Self(Arc::new(AtomicU16::new(address.port())))
    }

    /// The socket address.
    pub fn socket(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.0.load(Ordering::SeqCst)))
    }

    /// The URL of a path and query.
    pub fn url(&self, target: &str) -> String {
        format!("http://{}{target}", self.socket())
    }
}

/// A workerd process with its disk. Dropping it kills the process and removes the disk.
///
/// The process is also killed when the thread that started it ends, however that comes about; start it from the
/// test's own thread (a `#[tokio::test]` with the default runtime does).
#[derive(Debug)]
pub struct Workerd {
    folder: TempDir,
    child: Option<Child>,
    address: Address,
    neighbour: Option<Address>,
    logs: Logs,
}

/// workerd reports its ports on descriptor 3; what it and the Worker print goes to descriptor 2.
const REDIRECT: &str = r#"exec "$0" "$@" 3>&1 1>&2"#;
const CONFIG_FILE: &str = "config.capnp";
const ALARMS: &str = "metadata.sqlite";

impl Workerd {
    /// Starts workerd on the config file in `folder`, and waits until it listens.
    pub(crate) fn start(folder: TempDir) -> Self {
        Self::start_with(folder, None)
    }

    /// The same, on a config file with two scripts.
    pub(crate) fn start_pair(folder: TempDir) -> Self {
        Self::start_with(folder, Some(Address::unknown()))
    }

    fn start_with(folder: TempDir, neighbour: Option<Address>) -> Self {
        let mut workerd = Self {
            folder,
            child: None,
            address: Address::unknown(),
            neighbour,
            logs: Logs::default(),
        };
        workerd.spawn();
        workerd
    }

    pub(crate) fn config_file(folder: &Path) -> PathBuf {
        folder.join(CONFIG_FILE)
    }

    /// Where it listens now.
    pub fn address(&self) -> Address {
        self.address.clone()
    }

    /// A client of it, without a token.
    pub fn client(&self) -> Client {
        Client::new(self.address())
    }

    /// A client of the script beside it, without a token.
    pub fn neighbour(&self) -> Client {
        let address = self.neighbour.clone();
        Client::new(address.expect("this deployment has a neighbour"))
    }

    /// What it printed, over all its lives.
    pub fn logs(&self) -> &Logs {
        &self.logs
    }

    /// The one object's database. The process must not run, or it would not see what is changed.
    pub fn object_database(&self) -> Connection {
        self.open_database(&self.object_file())
    }

    /// Puts a copy of `file` in the place of the one object's database. The process must not run.
    pub fn replace_object_database(&self, file: &Path) {
        let name = self.object_file();
        // What the old one still has in its log would be played into the new one.
        for kept in self.databases().filter(|other| other.starts_with(&name)) {
            std::fs::remove_file(self.disk().join(kept)).unwrap();
        }
        std::fs::copy(file, self.disk().join(name)).unwrap();
    }

    /// workerd names it after the object's id: the same space has the same name everywhere.
    fn object_file(&self) -> String {
        assert!(self.child.is_none(), "still running: kill it first");
        let of_object = |name: &str| name.ends_with(".sqlite") && name != ALARMS;
        let names: Vec<String> = self.databases().filter(|name| of_object(name)).collect();
        let [name] = names.as_slice() else {
            panic!("not one object: {names:?}")
        };
        name.clone()
    }

    /// The database in which workerd keeps its objects' alarms: table `_cf_ALARM`, `scheduled_time` in nanoseconds.
    /// It can be read while the process runs.
    pub fn alarm_database(&self) -> Connection {
        self.open_database(ALARMS)
    }

    /// Every byte of the objects' databases and their logs, by file: the same for as long as nothing is written.
    pub fn databases_bytes(&self) -> BTreeMap<String, Vec<u8>> {
        // What several processes share of a database changes with who looks at it.
        let kept = self.databases().filter(|name| !name.ends_with("-shm"));
        kept.map(|name| {
            let bytes = std::fs::read(self.disk().join(&name)).unwrap();
            (name, bytes)
        })
        .collect()
    }

    fn databases(&self) -> impl Iterator<Item = String> {
        let entries = std::fs::read_dir(self.disk()).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap())
    }

    fn open_database(&self, name: &str) -> Connection {
        Connection::open(self.disk().join(name)).unwrap()
    }

    fn disk(&self) -> PathBuf {
        self.folder.path().join(capnp::DISK).join(capnp::UNIQUE_KEY)
    }

    /// Kills it at once (SIGKILL), as a crash would; the disk stays.
    pub fn kill9(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Starts it again on the same disk; nothing is sent to it.
    pub fn start_again(&mut self) {
        assert!(self.child.is_none(), "still running: kill it first");
        self.spawn();
    }

    /// Kills it and starts another deployment on the same disk; nothing is sent to it.
    pub fn redeploy(&mut self, deployment: &Deployment) {
        self.kill9();
        deployment.write(self.folder.path());
        self.spawn();
    }

    /// Waits until it answers `GET /healthz` with 200.
    pub async fn healthy(&self) {
        let client = self.client();
        until("healthz answers 200", PATIENCE, async || {
            client.get("/healthz").await.status == 200
        })
        .await;
    }

    fn spawn(&mut self) {
        let program = Paths::get().workerd();
        let mut command = mortal_shell("KILL");
        command.args(["-c", REDIRECT]).arg(program);
        command.args(["serve", CONFIG_FILE, "--experimental", "--control-fd=3"]);
        command.current_dir(self.folder.path());
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        self.logs.push("--- workerd starts".to_owned());
        self.logs.follow(child.stderr.take().unwrap());
        let reports = child.stdout.take().unwrap();
        self.child = Some(child);

        let (port_sender, ports) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(reports).lines().map_while(Result::ok) {
                let report: Value = serde_json::from_str(&line).unwrap_or_default();
                if report["event"] == "listen" {
                    let _ = port_sender.send(report);
                }
            }
        });
        for _ in [Some(&self.address), self.neighbour.as_ref()]
            .iter()
            .flatten()
        {
            let Ok(report) = ports.recv_timeout(PATIENCE) else {
                panic!("workerd did not come to listen");
            };
            let address = match report["socket"].as_str() {
                Some(MAIN) => &self.address,
                Some(NEIGHBOUR) => self.neighbour.as_ref().expect("there are two scripts"),
                _ => panic!("not a socket of ours: {report}"),
            };
            let port = report["port"]
                .as_u64()
                .and_then(|port| u16::try_from(port).ok());
            address.0.store(port.expect("a port"), Ordering::SeqCst);
        }
    }
}

/// A shell that gets this signal when the thread that starts it ends; what it executes in its own place does too.
/// Linux's util-linux has setpriv for it; elsewhere only `Drop` ends a process.
pub(crate) fn mortal_shell(signal: &str) -> Command {
    let Some(setpriv) = on_path("setpriv") else {
        return Command::new("sh");
    };
    let mut command = Command::new(setpriv);
    command.args(["--pdeathsig", signal, "--", "sh"]);
    command
}

impl Drop for Workerd {
    fn drop(&mut self) {
        self.kill9();
        if std::thread::panicking() {
            eprintln!(
                "--- output of the workerd at {}:\n{}\n---",
                self.address.socket(),
                self.logs.text()
            );
        }
    }
}
