//! The wire format of protocol buffers, as far as it is written here.
//!
//! **Source**: protobuf.dev/programming-guides/encoding

/// A message being written.
#[derive(Clone, Debug, Default)]
pub(super) struct Message(Vec<u8>);

/// What follows a field's number.
const VARINT: u32 = 0;
const FIXED_64: u32 = 1;
const LENGTH: u32 = 2;

impl Message {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// Appends the fields of another.
    pub(super) fn extend(&mut self, other: &Self) {
        self.0.extend_from_slice(&other.0);
    }

    /// Seven bits a byte, lowest first; all but the last have the eighth set.
    pub(super) fn varint(&mut self, mut value: u64) {
        loop {
            let [low, ..] = value.to_le_bytes();
            value >>= 7;
            if value == 0 {
                self.0.push(low & 0x7f);
                return;
            }
            self.0.push(low | 0x80);
        }
    }

    fn tag(&mut self, field: u32, kind: u32) {
        self.varint(u64::from(field << 3 | kind));
    }

    fn bytes(&mut self, field: u32, bytes: &[u8]) {
        self.tag(field, LENGTH);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    /// A field that is text.
    pub(super) fn text(&mut self, field: u32, text: &str) {
        self.bytes(field, text.as_bytes());
    }

    /// A field that is a message.
    pub(super) fn message(&mut self, field: u32, message: &Self) {
        self.bytes(field, &message.0);
    }

    /// A field that is a whole number.
    pub(super) fn number(&mut self, field: u32, value: u64) {
        self.tag(field, VARINT);
        self.varint(value);
    }

    /// Whole numbers, one after the other in one field.
    pub(super) fn signed_numbers(&mut self, field: u32, values: &[i64]) {
        let mut packed = Self::default();
        values.iter().for_each(|value| packed.varint(zigzag(*value)));
        self.message(field, &packed);
    }

    /// A field that is a whole number which may be negative.
    pub(super) fn signed_number(&mut self, field: u32, value: i64) {
        self.number(field, zigzag(value));
    }

    /// A field that is a double.
    pub(super) fn double(&mut self, field: u32, value: f64) {
        self.tag(field, FIXED_64);
        self.0.extend_from_slice(&value.to_le_bytes());
    }
}

/// Small numbers are short, negative ones too.
fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63).cast_unsigned()
}
