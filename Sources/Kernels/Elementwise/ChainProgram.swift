import CKernels
import Tensors

/// Takes the steps of a chain in order and joins neighbours that an accumulator can do into
/// programs.
struct ChainProgram {
  /// What runs on a tile: one step by its kernel, or a program over several.
  enum Piece {
    case step(Int)
    case program([dl_program_op])
  }
  private(set) var pieces: [Piece] = []
  /// For each step, whether its result is needed in memory.
  private(set) var isStored: [Bool]

  private let steps: [ChainStep]
  private let inputs: Int
  private let isOne: [Bool]
  private var program: [dl_program_op] = []
  /// The value in the accumulator.
  private var held: Int?

  /// - `types`: of every value; `results`: numbers of those put out; `isOne`: for each value,
  ///   whether one element stands for a whole tile.
  init(_ steps: [ChainStep], types: [DType], inputs: Int, results: [Int], isOne: [Bool]) {
    self.steps = steps
    self.inputs = inputs
    self.isOne = isOne
    isStored = [Bool](repeating: false, count: steps.count)
    var last = [Int](repeating: -1, count: types.count)
    for (i, step) in steps.enumerated() { for v in step.operands { last[v] = i } }
    for v in results { last[v] = steps.count }
    for (i, step) in steps.enumerated() {
      let y = inputs + i
      guard ChainProgram.isLight(step, types, y) else {
        finish()
        pieces.append(.step(i))
        isStored[i] = true
        continue
      }
      add(step)
      held = y
      // The next step may take it from the accumulator; whoever comes later reads it.
      let next = i + 1 < steps.count ? steps[i + 1] : nil
      let isNext =
        next.map {
          $0.operands.contains(y) && ChainProgram.isLight($0, types, y + 1)
            && ($0.operands != [y, y] || $0.function == .binary(.mul))
        } ?? false
      if !isNext || last[y] > i + 1 {
        emit(DL_PROGRAM_STORE, y)
        isStored[i] = true
      }
    }
    finish()
  }

  private mutating func emit(_ code: dl_program_code, _ value: Int) {
    program.append(dl_program_op(code: Int32(code.rawValue), value: Int32(value)))
  }

  private mutating func finish() {
    if !program.isEmpty {
      emit(DL_PROGRAM_END, 0)
      pieces.append(.program(program))
    }
    program = []
    held = nil
  }

  /// Whether the accumulator can do a step.
  static func isLight(_ step: ChainStep, _ types: [DType], _ y: Int) -> Bool {
    guard types[y] == .float32, step.operands.allSatisfy({ types[$0] == .float32 }) else {
      return false
    }
    switch step.function {
    case .unary(let op, _, _): return unary(op) != nil
    case .binary(let op): return binary(op) != nil
    default: return false
    }
  }

  private static func unary(_ op: UnaryOp) -> dl_program_code? {
    switch op {
    case .neg: DL_PROGRAM_NEG
    case .abs: DL_PROGRAM_ABS
    case .sqrt: DL_PROGRAM_SQRT
    case .reciprocal: DL_PROGRAM_RECIPROCAL
    case .relu: DL_PROGRAM_RELU
    default: nil
    }
  }

  /// The operation with the accumulator first, and with it second.
  private static func binary(_ op: BinaryOp) -> (dl_program_code, dl_program_code)? {
    switch op {
    case .add: (DL_PROGRAM_ADD, DL_PROGRAM_ADD)
    case .sub: (DL_PROGRAM_SUB, DL_PROGRAM_FROM)
    case .mul: (DL_PROGRAM_MUL, DL_PROGRAM_MUL)
    case .div: (DL_PROGRAM_DIV, DL_PROGRAM_INTO)
    case .max: (DL_PROGRAM_MAX, DL_PROGRAM_MAX_OF)
    case .min: (DL_PROGRAM_MIN, DL_PROGRAM_MIN_OF)
    default: nil
    }
  }

  private mutating func add(_ step: ChainStep) {
    switch step.function {
    case .unary(let op, _, _):
      load(step.operands[0])
      if let code = ChainProgram.unary(op) { emit(code, 0) }
    case .binary(let op):
      guard let (first, second) = ChainProgram.binary(op) else { return }
      let (a, b) = (step.operands[0], step.operands[1])
      if a == b, op == .mul {
        load(a)
        emit(DL_PROGRAM_SQUARE, 0)
      } else if held == b, a != b {
        operate(second, a)
      } else {
        load(a)
        operate(first, b)
      }
    default: return
    }
  }

  private mutating func load(_ v: Int) {
    if held != v { operate(DL_PROGRAM_LOAD, v) }
    held = v
  }

  /// The form for one element follows that for many.
  private mutating func operate(_ code: dl_program_code, _ v: Int) {
    emit(isOne[v] ? dl_program_code(rawValue: code.rawValue + 1) : code, v)
  }
}
