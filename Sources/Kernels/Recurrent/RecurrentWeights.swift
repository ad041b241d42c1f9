import CKernels
import Tensors

/// Constant weights of a recurrent layer in the order in which its kernels read them.
///
/// For each direction, those of inputs in panels `[columns / 32][depth][32]`, those of states in
/// one or two lists of panels `[panels][hidden][vectors][16]`: see `recurrent.h`.
public final class RecurrentWeights: PackedForm {
  /// A list of panels: which units of which gates each vector of sixteen holds.
  struct Form: Hashable {
    let vectors: Int
    /// Gates of a panel, side by side for the same units.
    let gates: Range<Int>
    /// Units that a panel covers: sixteen for each group of vectors.
    var units: Int { vectors / gates.count * 16 }
    func panels(_ hidden: Int) -> Int { (hidden + units - 1) / units }
    /// Floats of one panel.
    func panel(_ hidden: Int) -> Int { hidden * vectors * 16 }
    func count(_ hidden: Int) -> Int { panels(hidden) * panel(hidden) }
  }

  enum Part: Hashable { case input, recurrent }

  let part: Part
  let cell: RecurrentKernel.Cell
  let directions: Int
  let depth: Int
  let hidden: Int
  private let memory: AlignedMemory
  public var packedBytes: Tensor { memory.tensor }
  /// Floats of one direction.
  private let each: Int

  /// The lists of panels of a cell, in the order of their use in a step.
  static func forms(_ cell: RecurrentKernel.Cell) -> [Form] {
    switch cell {
    case .rnn: [Form(vectors: 4, gates: 0..<1)]
    case .gru(linearBeforeReset: true): [Form(vectors: 3, gates: 0..<3)]
    case .gru(linearBeforeReset: false):
      [Form(vectors: 4, gates: 0..<2), Form(vectors: 4, gates: 2..<3)]
    case .lstm: [Form(vectors: 4, gates: 0..<4)]
    }
  }

  /// Columns of the input product, padded to whole panels.
  static func width(_ cell: RecurrentKernel.Cell, _ hidden: Int) -> Int {
    (cell.gates * hidden + 31) / 32 * 32
  }

  private init(
    _ part: Part, _ cell: RecurrentKernel.Cell, _ directions: Int, _ depth: Int, _ hidden: Int,
    each: Int, space: PackedSpace
  ) throws(EngineError) {
    self.part = part
    self.cell = cell
    self.directions = directions
    self.depth = depth
    self.hidden = hidden
    self.each = each
    memory = try space.memory(byteCount: directions * each * 4)
    if memory.isFilled { return }
    memory.bytes.initializeMemory(as: Float.self, repeating: 0, count: directions * each)
  }

  /// Packs float32 `W` `[directions, gates * hidden, depth]`, which multiplies the inputs.
  ///
  /// Errors: `.budget` when the system has no memory.
  public convenience init(
    inputs: UnsafeRawPointer, _ cell: RecurrentKernel.Cell, directions: Int, depth: Int,
    hidden: Int, space: PackedSpace = .fresh
  ) throws(EngineError) {
    try self.init(
      .input, cell, directions, depth, hidden,
      each: RecurrentWeights.width(cell, hidden) * depth, space: space)
    if memory.isFilled { return }
    let rows = cell.gates * hidden
    for d in 0..<directions {
      let (to, w) = (pointer(d), inputs.assumingMemoryBound(to: Float.self) + d * rows * depth)
      for column in 0..<rows {
        let panel = to + column / 32 * 32 * depth + column % 32
        for k in 0..<depth { panel[k * 32] = w[column * depth + k] }
      }
    }
  }

  /// Packs float32 `R` `[directions, gates * hidden, hidden]`, which multiplies the states.
  ///
  /// Errors: `.budget` when the system has no memory.
  public convenience init(
    states: UnsafeRawPointer, _ cell: RecurrentKernel.Cell, directions: Int, hidden: Int,
    space: PackedSpace = .fresh
  ) throws(EngineError) {
    let forms = RecurrentWeights.forms(cell)
    try self.init(
      .recurrent, cell, directions, hidden, hidden,
      each: forms.reduce(0) { $0 + $1.count(hidden) }, space: space)
    if memory.isFilled { return }
    for d in 0..<directions {
      let r = states.assumingMemoryBound(to: Float.self) + d * cell.gates * hidden * hidden
      var to = pointer(d)
      for form in forms {
        for unit in 0..<hidden {
          let (place, panel) = (unit % form.units, to + unit / form.units * form.panel(hidden))
          for gate in form.gates {
            let vector = place / 16 * form.gates.count + gate - form.gates.lowerBound
            let lane = panel + vector * 16 + place % 16
            let row = r + (gate * hidden + unit) * hidden
            for k in 0..<hidden { lane[k * form.vectors * 16] = row[k] }
          }
        }
        to += form.count(hidden)
      }
    }
  }

  /// What direction `d` has.
  func pointer(_ d: Int) -> UnsafeMutablePointer<Float> {
    memory.bytes.assumingMemoryBound(to: Float.self) + d * each
  }
}
