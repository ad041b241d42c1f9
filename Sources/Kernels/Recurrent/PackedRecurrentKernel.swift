import CKernels
import Tensors

/// A recurrent layer over float32 whose weights are packed.
///
/// The product of the inputs with `W` is taken for some steps at once, on AVX-512 and for one row
/// beside the steps before: those wait for `R` from the second-level cache, the product for the
/// multipliers. A step reads the panels of `R` in the order opposite to the last one's, so that
/// some of them are still in the first-level cache. Sums of a row run in an order that depends on
/// nothing but the step, so a row's results depend neither on the batch nor on threads.
///
/// Directions, and parts of a batch, run side by side. Where there is but one such piece and `R` is
/// large, each step's units are split.
public struct PackedRecurrentKernel: Sendable {
  let layer: RecurrentKernel
  let w: RecurrentWeights
  let r: RecurrentWeights
  /// The lists of panels of a step.
  let first: RecurrentWeights.Form
  let second: RecurrentWeights.Form?
  let steps: RecurrentSteps
  /// Columns of the input product with their padding.
  let width: Int
  /// Parts of the batch that run side by side.
  let groups: Int
  /// Whether the product of later inputs is taken beside the steps.
  let isBeside: Bool
  /// Whether one step's units are split over threads.
  let splitsUnits: Bool
  let layout: PackedRecurrentScratch

  /// - `layer`: with at least one step, row, input and hidden unit.
  /// - `w`, `r`: packed for inputs and for states.
  /// - `hasLengths`: whether `run` gets sequence lengths.
  public init(
    _ layer: RecurrentKernel, w: RecurrentWeights, r: RecurrentWeights, hasLengths: Bool,
    threads: Int, isa: InstructionSet = .current
  ) {
    for (weights, part, depth) in [
      (w, RecurrentWeights.Part.input, layer.input), (r, .recurrent, layer.hidden),
    ] {
      precondition(
        weights.part == part && weights.cell == layer.cell && weights.depth == depth
          && weights.hidden == layer.hidden && weights.directions == layer.isReverse.count,
        "weights of another layer")
    }
    self.layer = layer
    self.w = w
    self.r = r
    let forms = RecurrentWeights.forms(layer.cell)
    first = forms[0]
    second = forms.count > 1 ? forms[1] : nil
    steps = RecurrentSteps(layer.cell, isa)
    width = RecurrentWeights.width(layer.cell, layer.hidden)
    let directions = layer.isReverse.count
    let work =
      Double(layer.steps) * Double(layer.batch) * Double(layer.cell.gates * layer.hidden)
      * Double(layer.input + layer.hidden)
    groups =
      work < 500_000 ? 1 : min(layer.batch, max(1, (threads + directions - 1) / directions))
    splitsUnits =
      threads > 1 && directions * groups == 1
      && layer.cell.gates * layer.hidden * layer.hidden >= 1 << 17
    isBeside = layer.batch == groups && steps.movesProduct && !splitsUnits
    layout = PackedRecurrentScratch(
      layer, width: width, rows: (layer.batch + groups - 1) / groups, isBeside: isBeside,
      isWhole: hasLengths && layer.batch > 1,
      pieces: threads > 1 ? directions * groups : 1)
  }

  /// Bytes of scratch that `run` needs, 64-byte aligned.
  public var scratchBytes: Int { layout.bytes }
  public var label: String { "\(layer.cell) packed" }

  /// Errors: `.value` for a sequence length outside `0...steps`.
  public func run(
    _ o: RecurrentKernel.Operands, scratch: UnsafeMutableRawPointer, pool: ThreadPool
  ) throws(EngineError) {
    try layer.checkLengths(o)
    let directions = layer.isReverse.count
    if let y = o.y, o.lengths != nil {
      (y.assumingMemoryBound(to: Float.self)).update(
        repeating: 0, count: layer.steps * directions * layer.batch * layer.hidden)
    }
    let bias = scratch.assumingMemoryBound(to: Float.self)
    for d in 0..<directions { sumBias(o, d, into: bias + d * width) }
    let pieces = directions * groups
    if layout.pieces == 1 {
      // One after the other in the same memory.
      var half = 0
      var isBegun = false
      for i in 0..<pieces {
        var pass = PackedRecurrentPass(self, o, piece: i, scratch, slot: 0)
        pass.half = half
        pass.isBegun = isBegun
        if i + 1 < pieces, isBeside {
          let next = PackedRecurrentPass(self, o, piece: i + 1, scratch, slot: 0)
          isBegun = pass.run(pool, before: next)
        } else {
          isBegun = pass.run(pool, before: nil)
        }
        half = pass.half
      }
    } else {
      pool.run(pieces) { i in
        var pass = PackedRecurrentPass(self, o, piece: i, scratch, slot: i)
        _ = pass.run(.single, before: nil)
      }
    }
  }

  /// Both halves of the bias, but for the part of a GRU that the reset gate applies to.
  private func sumBias(
    _ o: RecurrentKernel.Operands, _ d: Int, into to: UnsafeMutablePointer<Float>
  ) {
    let n = layer.cell.gates * layer.hidden
    guard let bias = o.bias else {
      to.update(repeating: 0, count: width)
      return
    }
    let from = bias.assumingMemoryBound(to: Float.self) + d * 2 * n
    let both = layer.cell == .gru(linearBeforeReset: true) ? 2 * layer.hidden : n
    for i in 0..<both { to[i] = from[i] + from[n + i] }
    for i in both..<n { to[i] = from[i] }
    for i in n..<width { to[i] = 0 }
  }
}

/// How the scratch of a packed recurrent layer is laid out, in floats.
struct PackedRecurrentScratch: Sendable {
  /// Steps whose input product is held at once.
  let chunk: Int
  /// Rows that one half of the product's memory holds.
  let productRows: Int
  /// Floats of one state.
  let state: Int
  /// Passes that run at the same time.
  let pieces: Int
  let shared: Int
  let partial: Int
  let product: Int
  let states: Int
  let rowTable: Int
  let each: Int
  var bytes: Int { (shared + pieces * each) * 4 }

  init(
    _ layer: RecurrentKernel, width: Int, rows: Int, isBeside: Bool, isWhole: Bool, pieces: Int
  ) {
    let most = Int(DL_RECUR_SIDE_ROWS)
    if isBeside {
      chunk = most
    } else if isWhole {
      chunk = layer.steps
    } else {
      chunk = min(layer.steps, layer.isBatchFirst ? most : (3 * most + rows - 1) / rows)
    }
    productRows = chunk * rows
    func aligned(_ count: Int) -> Int { (count + 15) & ~15 }
    state = aligned(rows * layer.hidden)
    self.pieces = pieces
    shared = layer.isReverse.count * width
    partial = 0
    product = partial + most * 32
    states = product + (isBeside ? 2 : 1) * productRows * width
    rowTable = states + 4 * state
    let table = 3 * rows * MemoryLayout<dl_recur_row>.stride
    each = rowTable + aligned((table + 3) / 4)
  }
}
