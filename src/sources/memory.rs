//! What a source remembers between polls: bounded, and lost at a restart without harm.

use std::collections::HashMap;
use std::hash::Hash;
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A bounded map that forgets the entries longest unused.
///
/// Two generations: when the young one is full it becomes the old one, and what is used moves back to the young. So
/// between `capacity` and twice as many entries are kept, at no cost per look-up.
#[derive(Debug)]
pub(crate) struct Memory<K, V> {
    capacity: usize,
    generations: Mutex<Generations<K, V>>,
}

#[derive(Debug)]
struct Generations<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
}

impl<K: Hash + Eq + Clone, V: Clone> Memory<K, V> {
    /// An empty memory of at least `capacity` entries.
    pub(crate) fn of(capacity: usize) -> Self {
        Self { capacity, generations: Mutex::new(Generations { young: HashMap::new(), old: HashMap::new() }) }
    }

    /// What is remembered for `key`.
    pub(crate) fn get(&self, key: &K) -> Option<V> {
        let mut all = self.lock();
        if let Some(value) = all.young.get(key) {
            return Some(value.clone());
        }
        let value = all.old.remove(key)?;
        self.insert(&mut all, key.clone(), value.clone());
        Some(value)
    }

    /// Remembers `value`, in the place of what was remembered.
    pub(crate) fn put(&self, key: K, value: V) {
        let mut all = self.lock();
        self.insert(&mut all, key, value);
    }

    /// Forgets `key`.
    pub(crate) fn forget(&self, key: &K) {
        let mut all = self.lock();
        all.young.remove(key);
        all.old.remove(key);
    }

    fn insert(&self, all: &mut Generations<K, V>, key: K, value: V) {
        if all.young.len() >= self.capacity && !all.young.contains_key(&key) {
            all.old = mem::take(&mut all.young);
        }
        all.young.insert(key, value);
    }

    /// A panic elsewhere leaves at worst one entry too few, so a poisoned lock is as good as any.
    fn lock(&self) -> MutexGuard<'_, Generations<K, V>> {
        self.generations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays_and_the_rest_is_bounded() {
        let memory = Memory::of(10);
        for n in 0..1000 {
            memory.put(n, n);
            assert_eq!(memory.get(&0), Some(0), "after {n}");
        }
        assert_eq!(memory.get(&999), Some(999));
        assert_eq!(memory.get(&500), None);
        let all = memory.lock();
        assert!(all.young.len() + all.old.len() <= 20);
    }

    #[test]
    fn a_later_value_replaces_and_forgetting_is_whole() {
        let memory = Memory::of(1);
        memory.put("a", 1);
        memory.put("b", 1);
        memory.put("a", 2);
        assert_eq!(memory.get(&"a"), Some(2));
        memory.forget(&"a");
        assert_eq!(memory.get(&"a"), None);
    }
}
