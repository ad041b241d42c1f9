/// How the outputs of a convolution fall into units of work: chunks of an image's rows, pixels or
/// tiles, times shares of its groups of output blocks.
///
/// Units are numbered by image, chunk and share, and each thread begins with one stretch of them:
/// where chunks fill the threads, every thread computes and later reads one part of each image.
struct BlockedSplit {
  /// Rows, pixels or tiles of a chunk.
  let chunk: Int
  /// Chunks of an image.
  let chunks: Int
  /// Parts of the groups of output blocks.
  let shares: Int

  /// What the choice rests on; times are in units of one row (pixel, tile) of one group.
  struct Sizes {
    /// Rows, pixels or tiles of an image, and images.
    var length: Int
    var images: Int
    /// Chunks at least, for the sake of the caches, and length of a chunk at least, for the sake of
    /// weights that are read once a chunk.
    var leastChunks: Int
    var shortest: Int
    /// Groups of output blocks.
    var groups: Int
    /// Length that a register tile takes at once; a tile that is not full takes a part of the time,
    /// but the way to it and from it counts whole.
    var tile: Int
    var overhead: Double
    /// Time to prepare one row (pixel, tile), by each thread that reads it.
    var preparation: Double
  }

  private init(chunk: Int, _ s: Sizes, shares: Int) {
    self.chunk = chunk
    chunks = (s.length + chunk - 1) / chunk
    self.shares = shares
  }

  /// For one thread: chunks as the caches want them.
  init(_ s: Sizes) {
    self.init(chunk: max(1, (s.length + s.leastChunks - 1) / max(1, s.leastChunks)), s, shares: 1)
  }

  /// The split after which the last of `threads` threads is done first; with three units a thread,
  /// where there are so many, for those that are kept waiting.
  init(_ s: Sizes, threads: Int) {
    var best = BlockedSplit(s)
    var least = Double.infinity
    let most = max(s.leastChunks, min(s.length / max(1, s.shortest), s.leastChunks + threads * 4))
    for count in max(1, s.leastChunks)...max(1, most) {
      let chunk = max(1, (s.length + count - 1) / count)
      for shares in 1...max(1, min(s.groups, threads * 4)) {
        let split = BlockedSplit(chunk: chunk, s, shares: shares)
        let time = split.time(s, threads: threads)
        if time < least { (best, least) = (split, time) }
      }
    }
    self = best
  }

  private func time(_ s: Sizes, threads: Int) -> Double {
    let places = s.images * chunks
    let units = places * shares
    let tiles = Double((chunk + s.tile - 1) / s.tile)
    let unit = (Double(chunk) + s.overhead * tiles) * Double((s.groups + shares - 1) / shares)
    let turns = (units + threads - 1) / threads
    // A place whose shares several threads compute is prepared by each of them.
    let prepared = Double((turns + shares - 1) / shares) * Double(chunk) * s.preparation
    let few = units < 3 * threads ? 1.02 : 1
    let apart = places % threads == 0 ? 1 : 1.03
    return (Double(turns) * unit + prepared) * few * apart
      * (1 + 0.002 * Double(chunks) + 0.001 * Double(shares))
  }
}
