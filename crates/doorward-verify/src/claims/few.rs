//! A short list of strings without a heap.

use core::fmt;

/// Up to `N` borrowed strings, held inline.
#[derive(Clone, Copy)]
pub struct Few<'a, const N: usize> {
    texts: [&'a str; N],
    count: usize,
}

impl<'a, const N: usize> Few<'a, N> {
    /// An empty list.
    pub const fn new() -> Self {
        Self { texts: [""; N], count: 0 }
    }

    /// A list of these. That they fit is checked by the compiler:
    ///
    /// ```compile_fail
    /// let two = doorward_verify::Few::<1>::of(&["one", "too many"]);
    /// ```
    pub fn of<const M: usize>(texts: &[&'a str; M]) -> Self {
        const { assert!(M <= N, "more texts than the list holds") };
        let mut few = Self::new();
        few.texts[..M].copy_from_slice(texts);
        few.count = M;
        few
    }

    /// Appends a string; `false`, and no change, if the list is full.
    pub fn push(&mut self, text: &'a str) -> bool {
        let Some(slot) = self.texts.get_mut(self.count) else { return false };
        *slot = text;
        self.count += 1;
        true
    }

    /// The strings, in order.
    pub fn as_slice(&self) -> &[&'a str] {
        &self.texts[..self.count]
    }

    /// Walks over the strings, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &'a str> {
        self.as_slice().iter().copied()
    }

    /// The string, if there is exactly one.
    pub fn only(&self) -> Option<&'a str> {
        if let [one] = self.as_slice() { Some(one) } else { None }
    }

    /// Is this string among them, byte for byte?
    pub fn contains(&self, text: &str) -> bool {
        self.as_slice().contains(&text)
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }
}

impl<const N: usize> Default for Few<'_, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> PartialEq for Few<'_, N> {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl<const N: usize> Eq for Few<'_, N> {}

impl<const N: usize> fmt::Debug for Few<'_, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_slice().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_list_takes_no_more() {
        let mut few = Few::<2>::of(&["a"]);
        assert_eq!(few.only(), Some("a"));
        assert!(few.push("b"));
        assert!(!few.push("c"));
        assert_eq!(few.iter().collect::<Vec<_>>(), ["a", "b"]);
        assert!(few.contains("b") && !few.contains("c") && !few.contains(""));
        assert_eq!((few.len(), few.is_empty(), few.only()), (2, false, None));
    }

    #[test]
    fn lists_are_equal_by_what_they_hold() {
        assert_eq!(Few::<3>::of(&["a", ""]), Few::<3>::of(&["a", ""]));
        assert_ne!(Few::<3>::of(&["a", ""]), Few::<3>::of(&["a"]));
    }
}
