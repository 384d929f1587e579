//! How many connections each network has.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use doorward_core::throttle::Network;

/// The count. Networks without a connection are not in it.
#[derive(Clone, Debug)]
pub struct Networks {
    most: usize,
    counts: Arc<Mutex<HashMap<Network, usize>>>,
}

impl Networks {
    /// At most so many each.
    pub fn new(most: usize) -> Self {
        Self { most, counts: Arc::default() }
    }

    /// One more, if its network may have one.
    pub fn enter(&self, address: IpAddr) -> Option<Place> {
        let network = Network::of(address);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(network).or_default();
        // A network that is full has an entry already, so a refusal leaves nothing behind.
        (*count < self.most).then(|| {
            *count += 1;
            Place { network, networks: self.clone() }
        })
    }
}

/// One connection of a network, until it is dropped.
#[derive(Debug)]
pub struct Place {
    network: Network,
    networks: Networks,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.networks.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut count) = counts.entry(self.network) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_has_its_places_and_gets_them_back() {
        let networks = Networks::new(2);
        let enter = |text: &str| networks.enter(text.parse().expect("an address"));
        let one = enter("192.0.2.1").expect("a place");
        let other = enter("192.0.2.1").expect("a place");
        assert!(enter("192.0.2.1").is_none(), "full");
        let neighbour = enter("192.0.2.2").expect("another network");
        drop(one);
        let again = enter("192.0.2.1").expect("a place that came back");
        drop((other, neighbour, again));
        assert!(networks.counts.lock().expect("a lock").is_empty(), "nothing is remembered of who is gone");
        let six = enter("2001:db8::1").expect("a place");
        let seven = enter("2001:db8::2").expect("a place");
        assert!(enter("2001:db8::3").is_none(), "a /64 is one network");
        drop((six, seven));
    }
}
