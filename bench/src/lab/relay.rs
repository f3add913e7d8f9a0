//! The agent's HTTP server, which listens inside its namespace, on the host's loopback.

use std::{
    io,
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    thread,
};

use anyhow::{Context as _, Result};

use crate::{netns::Namespace, topology::HTTP};

/// Passes connections on until the process ends, and returns the address to connect to: the usual
/// port, or another one where that is taken.
///
/// # Errors
/// When no port is free.
pub(super) fn start(namespace: &Namespace) -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, HTTP.port()))
        .or_else(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
        .context("no free port on 127.0.0.1")?;
    let address = listener.local_addr()?;
    let namespace = namespace.clone();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let namespace = namespace.clone();
            thread::spawn(move || pass_on(&client, &namespace).ok());
        }
    });
    Ok(address)
}

fn pass_on(client: &TcpStream, namespace: &Namespace) -> Result<()> {
    let server = namespace.tcp(HTTP.into())?;
    thread::scope(|scope| {
        scope.spawn(|| copy(client, &server));
        copy(&server, client);
    });
    Ok(())
}

/// Until one side has no more to say, which the other is told.
fn copy(mut from: &TcpStream, mut to: &TcpStream) {
    io::copy(&mut from, &mut to).ok();
    to.shutdown(Shutdown::Write).ok();
}
