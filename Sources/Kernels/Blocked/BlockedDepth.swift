/// The first of three axes of a convolution on blocked volumes, `[depth, blocks, pixels, lanes]`:
/// planes under neighbouring taps follow one another, so that they are blocks of one image of more
/// channels.
struct BlockedDepth: Hashable, Sendable {
  let input: Int
  let output: Int
  let kernel: Int
  let stride: Int
  let pad: Int

  /// That of a convolution over three axes.
  init(_ g: ConvGeometry) {
    (input, output, kernel) = (g.input[0], g.output[0], g.kernel[0])
    (stride, pad) = (g.strides[0], g.pads[0])
  }

  /// Blocks that an output plane meets: the first of the input, how many of the filter's stand
  /// before those, and how many there are.
  struct Met {
    let first: Int
    let skipped: Int
    let blocks: Int
  }

  /// Those of plane `image` of the result, of volumes one after another. `blocks`: those of all
  /// taps.
  func met(by image: Int, blocks: Int) -> Met {
    let each = blocks / kernel
    let (volume, place) = image.quotientAndRemainder(dividingBy: output)
    let start = place * stride - pad
    let high = min(kernel, input - start)
    let low = min(max(0, -start), max(0, high))
    return Met(
      first: (volume * input + start + low) * each, skipped: low * each,
      blocks: max(0, high - low) * each)
  }
}
