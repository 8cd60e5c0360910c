//! A server that gives the next scripted reply to whatever is asked, and keeps what was asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What is answered.
#[derive(Debug, Clone)]
pub(super) struct Reply {
    status: u16,
    body: String,
    with_length: bool,
    cut: Option<usize>,
    late_ms: u64,
}

impl Reply {
    pub(super) fn new(status: u16, body: &str) -> Self {
        Self { status, body: body.to_owned(), with_length: true, cut: None, late_ms: 0 }
    }

    pub(super) fn ok(body: &str) -> Self {
        Self::new(200, body)
    }

    /// The end of the body is the end of the connection.
    pub(super) fn without_length(mut self) -> Self {
        self.with_length = false;
        self
    }

    /// The connection breaks after so many bytes of the body.
    pub(super) fn cut(mut self, bytes: usize) -> Self {
        self.cut = Some(bytes);
        self
    }

    pub(super) fn late(mut self, ms: u64) -> Self {
        self.late_ms = ms;
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} X\r\nConnection: close\r\n", self.status);
        if self.with_length {
            head.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        let body = self.body.as_bytes();
        let sent = self.cut.map_or(body, |n| &body[..n]);
        [head.as_bytes(), b"\r\n", sent].concat()
    }
}

/// What was asked.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub target: String,
    head: String,
    pub body: String,
}

impl Request {
    pub(super) fn header(&self, name: &str) -> &str {
        let line = self.head.lines().find(|line| line.to_ascii_lowercase().starts_with(&format!("{name}:")));
        line.and_then(|line| line.split_once(':')).map_or("", |(_, value)| value.trim())
    }
}

#[derive(Debug, Default)]
struct Shared {
    replies: VecDeque<Reply>,
    asked: Vec<Request>,
}

pub(super) struct Server {
    port: u16,
    shared: Arc<Mutex<Shared>>,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    pub(super) async fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let shared = Arc::new(Mutex::new(Shared { replies: replies.into_iter().collect(), asked: vec![] }));
        let state = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, Arc::clone(&state)));
            }
        });
        Self { port, shared, task }
    }

    pub(super) fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(super) fn asked(&self) -> Vec<Request> {
        self.shared.lock().expect("the state").asked.clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut socket: TcpStream, state: Arc<Mutex<Shared>>) {
    let mut bytes = Vec::new();
    let head_end = loop {
        let mut piece = [0; 4_096];
        let n = socket.read(&mut piece).await.unwrap_or(0);
        if n == 0 {
            return;
        }
        bytes.extend_from_slice(&piece[..n]);
        if let Some(at) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            break at;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..head_end]).into_owned();
    let target = head.split_whitespace().nth(1).unwrap_or_default().to_owned();
    let mut request = Request { target, head, body: String::new() };
    let length: usize = request.header("content-length").parse().unwrap_or(0);
    let mut body = bytes.split_off(head_end + 4);
    while body.len() < length {
        let mut piece = [0; 4_096];
        let n = socket.read(&mut piece).await.unwrap_or(0);
        if n == 0 {
            return;
        }
        body.extend_from_slice(&piece[..n]);
    }
    request.body = String::from_utf8_lossy(&body).into_owned();
    let reply = {
        let mut shared = state.lock().expect("the state");
        shared.asked.push(request);
        shared.replies.pop_front().unwrap_or_else(|| Reply::new(500, "nothing more is scripted"))
    };
    tokio::time::sleep(Duration::from_millis(reply.late_ms)).await;
    let sent = async {
        socket.write_all(&reply.bytes()).await?;
        socket.shutdown().await
    };
    // the client may have gone
    let _gone = sent.await;
}
