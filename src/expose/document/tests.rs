use super::*;
use flate2::read::GzDecoder;
use proptest::prelude::*;
use std::io::Read as _;

/// The one member that `bytes` are, unpacked by a reader of its own; nothing may stand after it.
fn unzip(bytes: &[u8]) -> Vec<u8> {
    let mut reader = GzDecoder::new(bytes);
    let mut out = Vec::new();
    reader.read_to_end(&mut out).unwrap();
    assert!(reader.into_inner().is_empty(), "more than one member");
    out
}

fn check(parts: &[Vec<u8>], tail: &[u8]) {
    let mut packer = Packer::default();
    let pieces: Vec<Piece> = parts.iter().map(|part| packer.pack(part)).collect();
    let tail_piece = packer.pack(tail);
    let document = Document::of(pieces.iter());
    let whole = [parts.concat(), tail.to_vec()].concat();
    for (answer, unpack) in [(document.gzip(&tail_piece), true), (document.plain(&tail_piece), false)] {
        let length = answer.length();
        let sent: Vec<Bytes> = answer.collect();
        assert!(sent.iter().all(|chunk| !chunk.is_empty()));
        let sent = sent.concat();
        assert_eq!(sent.len(), length);
        let unpacked = if unpack { unzip(&sent) } else { sent };
        assert!(unpacked == whole, "{} bytes became {}", whole.len(), unpacked.len());
    }
    for (piece, part) in pieces.iter().zip(parts) {
        assert!(piece.holds(part));
    }
}

#[test]
fn nothing_at_all_is_a_member_too() {
    check(&[], b"");
    check(&[Vec::new(), Vec::new()], b"x");
}

#[test]
fn what_unpacks_to_much_more_than_a_step_is_whole() {
    for length in [STEP - 1, STEP, STEP + 1, 2 * STEP, 10 * STEP + 258] {
        check(&[vec![b'a'; length], b"\n".to_vec(), vec![b'b'; length]], b"end");
    }
}

#[test]
fn a_piece_knows_what_it_holds() {
    let piece = Packer::default().pack(b"one");
    assert!(piece.holds(b"one") && !piece.holds(b"two") && !piece.holds(b"") && !piece.holds(b"one "));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn pieces_of_any_kind_make_one_member(
        shapes in prop::collection::vec((0..200_000_usize, 0..4_u8, any::<u64>()), 0..6),
        tail in prop::collection::vec(any::<u8>(), 0..2000),
    ) {
        let part = |(length, kind, seed): (usize, u8, u64)| {
            let mut random = fastrand::Rng::with_seed(seed);
            match kind {
                // What cannot be packed, what packs well, text, and little.
                0 => (0..length).map(|_| random.u8(..)).collect(),
                1 => vec![random.u8(..); length],
                2 => (0..length / 40).flat_map(|n| format!("family{{task=\"t{n}\"}} {}\n", random.u16(..)).into_bytes()).collect(),
                _ => (0..length % 100).map(|_| random.u8(..)).collect(),
            }
        };
        check(&shapes.into_iter().map(part).collect::<Vec<Vec<u8>>>(), &tail);
    }
}
