//! How a sidecar stops.

use introspect::app::RunError;

use crate::support::{Client, POISON, Setup, Sidecar, wait_until};

#[test]
fn idle_connections_end_and_the_socket_goes() {
    let setup = Setup::new();
    let socket = setup.folder.path().join("auth.sock");
    let mut sidecar = setup.with("INTROSPECT_LISTEN", format!("unix:{}", socket.display())).start();
    let mut client = sidecar.connect();
    assert_eq!(client.ask(&[("X-Auth-Policy", "anonymous")]).status, 204);
    sidecar.end().unwrap();
    assert!(client.is_closed());
    assert!(!socket.exists());
}

#[test]
fn a_request_under_way_is_answered_while_no_new_connection_is_taken() {
    let mut sidecar = Sidecar::start();
    let mut client = sidecar.connect();
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\nX-Auth-Policy: ano");
    wait_until("the connection is served", || sidecar.metric("usher_introspect_connections_open") == 1);
    sidecar.begin_stop();
    wait_until("no more connections are accepted", || Client::try_connect(&sidecar.addresses[0]).is_err());
    assert!(sidecar.operations("/health/ready").body.contains("stopping"));
    client.send(b"nymous\r\n\r\n");
    assert_eq!(client.answer().status, 204);
    assert!(client.is_closed());
    sidecar.end().unwrap();
}

#[test]
fn a_connection_that_does_not_end_is_cut_after_the_drain() {
    // A client cannot see whether the server has read what was sent, and a connection on which nothing has been read
    // yet is closed at once: then the test tries again.
    let is_cut = || {
        let mut sidecar = Setup::new().with("INTROSPECT_DRAIN", "100ms").start();
        let mut client = sidecar.connect();
        client.send(b"GET / HTTP/1.1\r\n");
        wait_until("the connection is served", || sidecar.metric("usher_introspect_connections_open") == 1);
        matches!(sidecar.end(), Err(RunError::Cut(_)))
    };
    assert!((0..10).any(|_| is_cut()));
}

#[test]
fn a_part_that_panicked_ends_the_sidecar_rather_than_leave_it_with_old_keys() {
    let mut sidecar = Sidecar::start();
    // A key file is read every second, and the time of the last read is in the metrics.
    sidecar.clock.set(POISON);
    wait_until("it has ended", || sidecar.has_ended());
    assert!(matches!(sidecar.end(), Err(RunError::Ended(_))));
}
