//! HAProxy in TCP mode before the nodes, as the operators' guide sets it up.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::processes::{free_port, until};
use crate::shared::environment::skip;

/// A load balancer. It ends when it is dropped.
pub struct Balancer {
    process: Child,
    address: SocketAddr,
    _folder: TempDir,
}

impl Balancer {
    /// Starts HAProxy: connections go to the nodes in turn, and not to one that does not accept any.
    /// `None` after a message if HAProxy is not installed.
    pub fn start(nodes: &[SocketAddr]) -> Option<Self> {
        let runs =
            |path: &&str| Command::new(path).arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
        let Some(haproxy) = ["haproxy", "/usr/sbin/haproxy"].into_iter().find(runs) else {
            skip("haproxy is not installed");
            return None;
        };
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let servers = nodes
            .iter()
            .enumerate()
            .map(|(number, node)| format!(" server n{number} {node} check inter 200ms fall 1 rise 1\n"));
        let settings = format!(
            "defaults\n mode tcp\n timeout connect 2s\n timeout client 60s\n timeout server 60s\n retries 2\n \
             option redispatch 1\nlisten gateway\n bind {address}\n balance roundrobin\n{}",
            servers.collect::<String>()
        );
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("haproxy.cfg");
        fs::write(&file, settings).expect("written");
        let mut command = Command::new(haproxy);
        command.arg("-db").arg("-f").arg(&file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let balancer = Self { process: command.spawn().expect("it starts"), address, _folder: folder };
        until("haproxy listens", || TcpStream::connect(address).ok());
        Some(balancer)
    }

    /// Address for consumers.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
