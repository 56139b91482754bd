//! The client that submits the pods of a trace: its connection, and what it has sent.

use crate::probes::Outage;

/// The client that submits the pods of a trace.
#[derive(Clone, Debug, Default)]
pub struct Submitter {
    /// The connection of all its requests.
    pub connection: u32,
    /// Times in which it had nothing but failures.
    pub outage: Outage,
    /// By row of the trace: requests about its pod.
    requests: Vec<u16>,
    /// By row: its pod was created.
    created: Vec<bool>,
}

impl Submitter {
    /// It has a connection, and pods to submit.
    pub fn begins(&mut self, connection: u32, pods: usize) {
        self.connection = connection;
        self.requests = vec![0; pods];
        self.created = vec![false; pods];
    }

    /// The pod of a row is created. Whether it had not been before.
    pub fn creates(&mut self, row: u32) -> bool {
        !std::mem::replace(&mut self.created[row as usize], true)
    }

    /// The number of the next request about a row's pod, from 1; it wraps.
    pub fn next_request(&mut self, row: u32) -> u16 {
        let count = &mut self.requests[row as usize];
        *count = count.wrapping_add(1);
        *count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_is_created_once_and_its_requests_are_numbered() {
        let mut submitter = Submitter::default();
        submitter.begins(7, 80);
        assert!(submitter.creates(70) && !submitter.creates(70) && submitter.creates(6));
        assert_eq!([70, 70, 6, 70].map(|row| submitter.next_request(row)), [1, 2, 1, 3]);
    }
}
