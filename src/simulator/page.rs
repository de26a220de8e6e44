//! Cutting pages out of listings that may move between two pages.

/// One page.
#[derive(Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// Its rows.
    pub rows: Vec<T>,
    /// How many rows there are in all.
    pub total: i64,
}

/// Rows `offset..offset + limit` of a listing of `total` rows, of which `rows` holds at least the first
/// `offset + limit + 1`.
///
/// `skew` rows came in at the front since the first page was read (negative: left), which every page but the
/// first shows: rows seen again, or rows never seen, and a total that moved.
pub fn cut<T>(rows: Vec<T>, total: i64, offset: i64, limit: i64, skew: i64) -> Page<T> {
    let skew = if offset > 0 { skew } else { 0 };
    let size = |n: i64| usize::try_from(n.max(0)).unwrap_or_default();
    let rows = rows.into_iter().skip(size(offset - skew)).take(size(limit)).collect();
    Page { rows, total: total + skew }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_came_in_shows_one_again_and_one_that_left_hides_one() {
        let page = |offset, skew| cut((0..10).collect(), 10, offset, 4, skew);
        assert_eq!(page(4, 0), Page { rows: vec![4, 5, 6, 7], total: 10 });
        assert_eq!(page(4, 1), Page { rows: vec![3, 4, 5, 6], total: 11 });
        assert_eq!(page(4, -1), Page { rows: vec![5, 6, 7, 8], total: 9 });
        assert_eq!(page(0, -1), Page { rows: vec![0, 1, 2, 3], total: 10 });
        assert_eq!(page(12, 0), Page { rows: vec![], total: 10 });
    }
}
