import CKernels

/// How the tiles of a 3x3 convolution of stride 1 on planes fall into units of work for Winograd's
/// algorithm, 4x4 outputs a tile and 16 channels side by side.
///
/// A unit is some rows of tiles of one image, or several whole images where these are small, so
/// that its transformed tiles stay in the second-level cache. Planes are laid out in blocks of
/// channels on the way, a band of an image at a time.
struct WinogradTiles: Sendable {
  static let lanes = 16
  static let places = 36

  struct Unit {
    let image: Int
    let images: Int
    /// The first row of tiles and their number.
    let first: Int
    let rows: Int
  }

  let geometry: ConvGeometry
  let inputBlocks: Int
  let outputBlocks: Int
  /// Tiles of a row, rows of them in an image.
  let columns: Int
  let rows: Int
  /// Of a unit: images, rows of tiles, tiles at most.
  let images: Int
  let band: Int
  let count: Int
  let units: Int
  /// Elements between the places of transformed inputs and of sums: 16 beyond a power of two, which
  /// keeps the places of a tile out of one set of the cache.
  let inStep: Int
  let outStep: Int

  /// Whether the algorithm can take a convolution.
  static func takes(_ g: ConvGeometry, isa: InstructionSet) -> Bool {
    isa >= .avx512 && g.kernel == [1, 3, 3] && g.strides == [1, 1, 1] && g.dilations == [1, 1, 1]
      && g.groups == 1 && g.input[0] == 1 && g.output[0] == 1 && g.pads[0] == 0
      && (0...2).contains(g.pads[1]) && (0...2).contains(g.pads[2]) && g.outputPixels > 0
      && g.inputPixels > 0
  }

  /// - `share`: bytes that the transformed tiles of a unit may take. - `least`: units wanted.
  init(_ g: ConvGeometry, share: Int, least: Int) {
    geometry = g
    inputBlocks = (g.channels + Self.lanes - 1) / Self.lanes
    outputBlocks = (g.outputs + Self.lanes - 1) / Self.lanes
    columns = (g.output[2] + 3) / 4
    rows = (g.output[1] + 3) / 4
    let tileBytes = Self.places * (inputBlocks + outputBlocks) * Self.lanes * 4
    let room = max(16, share / tileBytes)
    let perImage = rows * columns
    if perImage <= room {
      let wanted = max(1, g.batch / max(1, least))
      let fitting = min(room / perImage, max(wanted, (15 + perImage) / perImage))
      (images, band) = (max(1, min(g.batch, fitting)), rows)
    } else {
      (images, band) = (1, max(1, min(rows, room / columns)))
    }
    count = images * band * columns
    units =
      band == rows ? (g.batch + images - 1) / images : g.batch * ((rows + band - 1) / band)
    inStep = inputBlocks * count * Self.lanes + 16
    outStep = outputBlocks * count * Self.lanes + 16
  }

  func unit(_ i: Int) -> Unit {
    if band == rows {
      return Unit(
        image: i * images, images: min(images, geometry.batch - i * images), first: 0, rows: rows)
    }
    let bands = (rows + band - 1) / band
    let first = i % bands * band
    return Unit(image: i / bands, images: 1, first: first, rows: min(band, rows - first))
  }

  /// Elements of one block of a band's inputs or outputs, whichever are more.
  var blockCount: Int {
    let g = geometry
    return max(
      min(g.input[1], band * 4 + 2) * g.input[2], min(g.output[1], band * 4) * g.output[2])
      * Self.lanes
  }

  /// The rows of inputs that a unit reads, those of outputs that it makes.
  private func inputs(_ u: Unit) -> Range<Int> {
    let top = u.first * 4 - geometry.pads[1]
    let low = min(max(0, top), geometry.input[1])
    return low..<max(low, min(geometry.input[1], top + u.rows * 4 + 2))
  }
  private func outputs(_ u: Unit) -> Range<Int> {
    u.first * 4..<min(geometry.output[1], (u.first + u.rows) * 4)
  }

  private func window(_ u: Unit) -> dl_blocked_winograd {
    let g = geometry
    let (reads, makes) = (inputs(u), outputs(u))
    return dl_blocked_winograd(
      axis: (WinogradForm.Axis.four.rawValue, WinogradForm.Axis.four.rawValue), dilation: (1, 1),
      columns: columns, input: (reads.count, g.input[2]),
      output: (makes.count, g.output[2]),
      pad: (reads.lowerBound - u.first * 4 + g.pads[1], g.pads[2]), in_step: inStep,
      out_step: outStep, form: BlockedFinish.none.code, low: 0, high: 0, after: nil,
      numbers: (0, 0))
  }

  #if arch(x86_64)
    /// `B' d B` of the inputs: `[place][block][tile][lanes]`. `block`: memory of `blockCount`.
    func transformInputs(
      _ u: Unit, _ x: UnsafePointer<Float>, into v: UnsafeMutablePointer<Float>,
      block: UnsafeMutablePointer<Float>
    ) {
      let g = geometry
      var k = window(u)
      let reads = inputs(u)
      let perImage = u.rows * columns
      for i in 0..<u.images {
        for b in 0..<inputBlocks {
          let channel = (u.image + i) * g.channels + b * Self.lanes
          dl_to_blocked_f32__avx512(
            block, x + channel * g.inputPixels + reads.lowerBound * g.input[2],
            reads.count * g.input[2], g.inputPixels, min(Self.lanes, g.channels - b * Self.lanes),
            Self.lanes)
          dl_blocked_winograd_input_f32__avx512(
            &k, 0, perImage, block, v + (b * count + i * perImage) * Self.lanes)
        }
      }
    }

    /// `A dy A'` of gradients by the outputs, laid out likewise by `outStep`.
    func transformUpstream(
      _ u: Unit, _ dy: UnsafePointer<Float>, into v: UnsafeMutablePointer<Float>,
      block: UnsafeMutablePointer<Float>
    ) {
      let g = geometry
      var k = window(u)
      let makes = outputs(u)
      let perImage = u.rows * columns
      for i in 0..<u.images {
        for b in 0..<outputBlocks {
          let channel = (u.image + i) * g.outputs + b * Self.lanes
          dl_to_blocked_f32__avx512(
            block, dy + channel * g.outputPixels + makes.lowerBound * g.output[2],
            makes.count * g.output[2], g.outputPixels, min(Self.lanes, g.outputs - b * Self.lanes),
            Self.lanes)
          dl_winograd_upstream_f32__avx512(
            &k, 0, perImage, block, v + (b * count + i * perImage) * Self.lanes)
        }
      }
    }

    /// `A' s A` of the sums, written to the planes of the outputs.
    func transformBack(
      _ u: Unit, _ sums: UnsafePointer<Float>, bias: UnsafePointer<Float>,
      into y: UnsafeMutablePointer<Float>, block: UnsafeMutablePointer<Float>
    ) {
      let g = geometry
      var k = window(u)
      let makes = outputs(u)
      let perImage = u.rows * columns
      for i in 0..<u.images {
        for b in 0..<outputBlocks {
          dl_blocked_winograd_output_f32__avx512(
            &k, 0, perImage, sums + (b * count + i * perImage) * Self.lanes,
            bias + b * Self.lanes, nil, block)
          let channel = (u.image + i) * g.outputs + b * Self.lanes
          dl_from_blocked_f32__avx512(
            y + channel * g.outputPixels + makes.lowerBound * g.output[2], block,
            makes.count * g.output[2], g.outputPixels, min(Self.lanes, g.outputs - b * Self.lanes),
            Self.lanes)
        }
      }
    }
  #endif
}
