//! Compresses blocks of text with zstd: tasks that compute, of about the same size.

/// The number of blocks.
pub const TASKS: usize = 128;

const BLOCK_BYTES: usize = 128 * 1024;

const WORDS: [&str; 16] = [
    "queue", "worker", "thread", "panic", "cancel", "timeout", "order", "limit", "spawn", "join",
    "steal", "park", "wake", "drain", "retry", "batch",
];

/// Blocks of words in random order, with a number after each.
pub fn inputs(tasks: usize, seed: u64) -> Vec<String> {
    (0..tasks as u64)
        .map(|task| {
            let mut state = seed ^ (task + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let mut block = String::with_capacity(BLOCK_BYTES + 32);
            while block.len() < BLOCK_BYTES {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                block += WORDS[(state >> 60) as usize];
                block += &format!(" {} ", (state >> 40) & 0xFFF);
            }
            block
        })
        .collect()
}

/// The size of the compressed block.
///
/// # Errors
///
/// If zstd fails.
pub fn run(block: &String) -> Result<usize, String> {
    let compressed = zstd::encode_all(block.as_bytes(), 6).map_err(|error| error.to_string())?;
    Ok(compressed.len())
}
