//! The table of pods. Ids are never used twice; places in the table are, so that memory follows the pods that exist and
//! not those that ever did.

use super::pod::{Object, Pod};
use crate::ids::PodId;
use std::ops::{Index, IndexMut};

/// The place of a pod that is over.
const NOWHERE: u32 = u32::MAX;

/// All pods of a run, by the index of their ids.
#[derive(Clone, Debug)]
pub struct Pods {
    table: Vec<Pod>,
    /// Where each pod is that ever was.
    places: Vec<u32>,
    free: Vec<u32>,
    /// Stands for every pod that is over: gone, without a node. What is done to it is forgotten.
    over: Pod,
}

impl Default for Pods {
    fn default() -> Self {
        Pods { table: Vec::new(), places: Vec::new(), free: Vec::new(), over: Pod::over() }
    }
}

impl Pods {
    /// Pods that there ever were: the index of the next one's id.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there never was a pod.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// A new pod, with the next id.
    pub fn push(&mut self, pod: Pod) {
        let place = self.free.pop().unwrap_or(self.table.len() as u32);
        self.places.push(place);
        match self.table.get_mut(place as usize) {
            Some(free) => *free = pod,
            None => self.table.push(pod),
        }
    }

    /// The pods that ever were, in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = &Pod> {
        (0..self.len()).map(|index| &self[index])
    }

    /// The pods in the table, in no order that matters.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Pod> {
        self.table.iter_mut()
    }

    /// Frees the place of a pod whose object is gone, once nobody sends traffic to it any more.
    pub fn free_if_over(&mut self, pod: PodId) {
        let place = self.places[pod.index()];
        if place == NOWHERE || self.table[place as usize].object() != Object::Gone {
            return;
        }
        if !self.table[place as usize].is_listed() {
            self.table[place as usize] = Pod::over();
            self.places[pod.index()] = NOWHERE;
            self.free.push(place);
        }
    }

    /// Places in the table: the most pods that there were at a time.
    pub fn peak(&self) -> usize {
        self.table.len()
    }
}

impl Index<usize> for Pods {
    type Output = Pod;

    fn index(&self, index: usize) -> &Pod {
        self.table.get(self.places[index] as usize).unwrap_or(&self.over)
    }
}

impl IndexMut<usize> for Pods {
    fn index_mut(&mut self, index: usize) -> &mut Pod {
        match self.table.get_mut(self.places[index] as usize) {
            Some(pod) => pod,
            None => {
                self.over = Pod::over();
                &mut self.over
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{DeploymentId, NodeId};

    #[test]
    fn places_are_used_again_and_ids_are_not() {
        let mut pods = Pods::default();
        pods.push(Pod::running(DeploymentId(0), 1, NodeId(4)));
        pods.push(Pod::new(DeploymentId(0), 2, None));
        pods[0].is_gone();
        pods.free_if_over(PodId(0));
        assert_eq!(pods[0].node, Some(NodeId(4)), "services still list it");
        pods[0].becomes_ready(false);
        pods[0].is_propagated();
        pods.free_if_over(PodId(0));
        pods.push(Pod::new(DeploymentId(1), 1, None));
        assert_eq!((pods.len(), pods.peak()), (3, 2));
        assert_eq!(pods[2].deployment, DeploymentId(1));
        assert_eq!((pods[0].object(), pods[0].node), (Object::Gone, None));
        pods[0].node = Some(NodeId(1));
        pods[0].reports = false;
        assert_eq!(pods[0].node, None, "what is done to a pod that is over is forgotten");
    }
}
