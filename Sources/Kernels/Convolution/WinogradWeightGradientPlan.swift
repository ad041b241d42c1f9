import CKernels
import Tensors

/// The gradient of a 3x3 convolution of stride 1 by its weights, by Winograd's algorithm:
/// `dW = G' (sum over tiles of (A dy A') . (B' x B)) G`, a quarter of the products of the plain sum.
///
/// Tiles fall into parts whose sums are kept apart and added at the end; parts and the order of
/// sums do not depend on the number of threads.
///
/// Accuracy: about 1e-6 of the largest element of the gradient.
public struct WinogradWeightGradientPlan: Sendable {
  public let scratchBytes: Int
  public let label: String

  let tiles: WinogradTiles
  let parts: Int
  /// Elements between rows of sums, places and parts.
  let row: Int
  let place: Int
  let part: Int
  let slots: Int
  let slotCount: Int

  /// Nil where the algorithm cannot take the convolution, or would not pay.
  public init?(_ g: ConvGeometry, threads: Int = 1, isa: InstructionSet = .current) {
    guard WinogradTiles.takes(g, isa: isa) else { return nil }
    // Units and parts must be the same for any number of threads.
    let tiles = WinogradTiles(g, share: CacheSizes.level2 / 4, least: 8)
    self.tiles = tiles
    let lanes = WinogradTiles.lanes
    row = tiles.outputBlocks * lanes
    place = tiles.inputBlocks * lanes * row + 16
    part = WinogradTiles.places * place
    let perImage = tiles.rows * tiles.columns
    let own =
      WinogradTiles.places * g.channels * tiles.outputBlocks * perImage
      + perImage * (tiles.inputBlocks + tiles.outputBlocks) * 300
    let others = 15 * g.channels * g.outputs * g.outputPixels / lanes
    guard own < others * 9 / 10, part * 4 <= 4 << 20 else { return nil }
    parts = min(tiles.units, part * 4 <= 1 << 20 ? 4 : 2)
    let isParallel = threads > 1 && g.outputCount * g.channels >= 65_536
    slots = isParallel ? min(threads, parts) : 1
    slotCount =
      (WinogradTiles.places * (tiles.inStep + tiles.outStep) + tiles.blockCount + 15) / 16 * 16
    scratchBytes = (parts * part + slots * slotCount) * 4
    label = "conv weight gradient winograd F(4x4) \(isa)"
  }

  /// - `x`: the convolution's input; `dy`: the gradient by its output; `dw`: the result.
  public func run(
    x: UnsafePointer<Float>, dy: UnsafePointer<Float>, dw: UnsafeMutablePointer<Float>,
    scratch: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    #if arch(x86_64)
      nonisolated(unsafe) let (x, dy, dw) = (x, dy, dw)
      nonisolated(unsafe) let sums = scratch.assumingMemoryBound(to: Float.self)
      let workers = slots > 1 ? pool : .single
      workers.run(parts, slots: slots) { i, slot in
        let own = sums + parts * part + slot * slotCount
        let units = i * tiles.units / parts..<(i + 1) * tiles.units / parts
        for unit in units {
          add(unit, isFirst: unit == units.lowerBound, x, dy, to: sums + i * part, own)
        }
      }
      let g = tiles.geometry
      let lanes = WinogradTiles.lanes
      workers.run(g.channels) { c in
        for block in 0..<tiles.outputBlocks {
          dl_winograd_weight_gradient_f32__avx512(
            dw + (block * lanes * g.channels + c) * 9, g.channels * 9,
            min(lanes, g.outputs - block * lanes), sums + c * row + block * lanes, parts, part,
            place)
        }
      }
    #endif
  }

  #if arch(x86_64)
    private func add(
      _ i: Int, isFirst: Bool, _ x: UnsafePointer<Float>, _ dy: UnsafePointer<Float>,
      to sums: UnsafeMutablePointer<Float>, _ own: UnsafeMutablePointer<Float>
    ) {
      let unit = tiles.unit(i)
      let lanes = WinogradTiles.lanes
      let up = own + WinogradTiles.places * tiles.inStep
      let block = up + WinogradTiles.places * tiles.outStep
      tiles.transformInputs(unit, x, into: own, block: block)
      tiles.transformUpstream(unit, dy, into: up, block: block)
      let count = unit.images * unit.rows * tiles.columns
      for p in 0..<WinogradTiles.places {
        for b in 0..<tiles.inputBlocks {
          dl_winograd_product_f32__avx512(
            sums + p * place + b * lanes * row, row,
            own + p * tiles.inStep + b * tiles.count * lanes,
            min(lanes, tiles.geometry.channels - b * lanes), up + p * tiles.outStep,
            tiles.outputBlocks, tiles.count * lanes, count, isFirst ? 0 : 1)
        }
      }
    }
  #endif
}
