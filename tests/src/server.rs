//! A small HTTP/1.1 server on raw sockets, so that a fault can break the protocol where it likes.
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::fault::Fault;
use crate::message::{Request, Response, read_request};

pub(crate) type Answering = Pin<Box<dyn Future<Output = (Response, Fault)> + Send>>;
type Handler = Arc<dyn Fn(Request) -> Answering + Send + Sync>;

/// The server; it goes away, with its connections, when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    open: watch::Sender<bool>,
    settled: watch::Receiver<bool>,
    load: Arc<Load>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Load {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Server {
    /// Listens on a free port of `ip`.
    pub(crate) fn start(
        ip: Ipv4Addr,
        handler: impl Fn(Request) -> Answering + Send + Sync + 'static,
    ) -> Self {
        // Bound and never listening, it keeps the port ours while connections are refused.
        let keeper = bound(SocketAddr::from((ip, 0)));
        let address = keeper.local_addr().unwrap();
        let listener = bound(address).listen(BACKLOG).unwrap();
        let (open, door) = watch::channel(true);
        let (settling, settled) = watch::channel(true);
        let load = Arc::new(Load::default());
        let task = tokio::spawn(serve(
            (keeper, listener),
            door,
            settling,
            Arc::new(handler),
            Arc::clone(&load),
        ));
        Self {
            address,
            open,
            settled,
            load,
            task,
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Refuses connections and drops the ones there are, or accepts again. The port stays ours meanwhile.
    pub(crate) async fn set_open(&self, open: bool) {
        self.open.send_replace(open);
        let mut settled = self.settled.clone();
        settled
            .wait_for(|state| *state == open)
            .await
            .expect("the server runs");
    }

    /// The most calls that were ever in progress at one time.
    pub(crate) fn most_at_once(&self) -> usize {
        self.load.most.load(Ordering::SeqCst)
    }

    /// Calls in progress now.
    pub(crate) fn in_progress(&self) -> usize {
        self.load.now.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

const BACKLOG: u32 = 1024;

fn bound(address: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(address).unwrap();
    socket
}

async fn serve(
    (keeper, mut listener): (TcpSocket, TcpListener),
    mut door: watch::Receiver<bool>,
    settling: watch::Sender<bool>,
    handler: Handler,
    load: Arc<Load>,
) {
    let address = keeper.local_addr().unwrap();
    let mut connections = JoinSet::new();
    loop {
        settling.send_replace(true);
        while *door.borrow_and_update() {
            tokio::select! {
                accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                    connections.spawn(converse(stream, Arc::clone(&handler), Arc::clone(&load)));
                },
                Some(_) = connections.join_next() => {},
                changed = door.changed() => if changed.is_err() { return },
            }
        }
        drop(listener);
        connections.shutdown().await;
        settling.send_replace(false);
        if door.wait_for(|open| *open).await.is_err() {
            return;
        }
        listener = bound(address).listen(BACKLOG).unwrap();
    }
}

/// Counts a call for as long as it is in progress, however it ends.
struct InProgress(Arc<Load>);

impl InProgress {
    fn enter(load: &Arc<Load>) -> Self {
        let now = load.now.fetch_add(1, Ordering::SeqCst) + 1;
        load.most.fetch_max(now, Ordering::SeqCst);
        Self(Arc::clone(load))
    }
}

impl Drop for InProgress {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn converse(mut stream: TcpStream, handler: Handler, load: Arc<Load>) {
    let _ = stream.set_nodelay(true);
    let mut buffer = Vec::new();
    while let Some(request) = read_request(&mut stream, &mut buffer).await {
        let counted = InProgress::enter(&load);
        let head_only = request.method == "HEAD";
        let answering = async {
            let (response, fault) = handler(request).await;
            let mut fault = fault;
            while let Fault::After(delay, then) = fault {
                tokio::time::sleep(delay).await;
                fault = *then;
            }
            if let Fault::Hold(gate) = &fault {
                gate.pass().await;
                fault = Fault::None;
            }
            if matches!(fault, Fault::Hang) {
                std::future::pending::<()>().await;
            }
            (response, fault)
        };
        // The other side may hang up while it waits: then the call is over.
        let mut ahead = [0; 1];
        let (response, fault) = tokio::select! {
            answer = answering => answer,
            _ = stream.peek(&mut ahead) => return,
        };
        let kept = deliver(&mut stream, response, fault, head_only).await;
        drop(counted);
        if !kept.unwrap_or(false) {
            return;
        }
    }
}

/// Sends the answer, as the fault has it; true when the connection can go on.
async fn deliver(
    stream: &mut TcpStream,
    response: Response,
    fault: Fault,
    head_only: bool,
) -> std::io::Result<bool> {
    let response = match fault {
        Fault::Answer(instead) => instead,
        Fault::Close => return Ok(false),
        Fault::CutLength => {
            stream
                .write_all(head(&response, &length_of(&response)).as_bytes())
                .await?;
            stream
                .write_all(&response.body[..response.body.len() / 2])
                .await?;
            return Ok(false);
        }
        Fault::CutChunked => {
            stream
                .write_all(head(&response, CHUNKED).as_bytes())
                .await?;
            write_chunk(stream, &response.body[..response.body.len() / 2]).await?;
            return Ok(false);
        }
        Fault::Drip { bytes, every } => {
            stream
                .write_all(head(&response, CHUNKED).as_bytes())
                .await?;
            for piece in response.body.chunks(bytes) {
                tokio::time::sleep(every).await;
                write_chunk(stream, piece).await?;
            }
            stream.write_all(b"0\r\n\r\n").await?;
            return Ok(true);
        }
        Fault::Endless => {
            stream
                .write_all(head(&response, CHUNKED).as_bytes())
                .await?;
            let blank = vec![b' '; 64 * 1024];
            loop {
                write_chunk(stream, &blank).await?;
                // Gives the other tasks of the test's one thread their turn.
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        Fault::None | Fault::After(..) | Fault::Hold(_) | Fault::Hang => response,
    };
    let framing = if response.status == 304 || response.status == 204 {
        String::new()
    } else {
        length_of(&response)
    };
    stream
        .write_all(head(&response, &framing).as_bytes())
        .await?;
    if !head_only && !framing.is_empty() {
        stream.write_all(&response.body).await?;
    }
    Ok(true)
}

const CHUNKED: &str = "transfer-encoding: chunked\r\n";

fn length_of(response: &Response) -> String {
    format!("content-length: {}\r\n", response.body.len())
}

fn head(response: &Response, framing: &str) -> String {
    let mut head = format!("HTTP/1.1 {} Played\r\n{framing}", response.status);
    for (name, value) in &response.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    head
}

async fn write_chunk(stream: &mut TcpStream, bytes: &[u8]) -> std::io::Result<()> {
    stream
        .write_all(format!("{:x}\r\n", bytes.len()).as_bytes())
        .await?;
    stream.write_all(bytes).await?;
    stream.write_all(b"\r\n").await
}
