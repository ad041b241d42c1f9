import CKernels
import Tensors

/// A chain of elementwise operations computed tile by tile, so that what lies between them is never
/// written to memory; results have the bits of the operations one by one.
///
/// Inputs broadcast to the output. Operations on float32 that processors have as instructions run
/// over an accumulator in registers; others by their kernels, over tiles of 1 KB.
public final class ChainKernel: @unchecked Sendable {
  /// Numbers of values: inputs and one for each step.
  public static let maxValues = Int(DL_CHAIN_VALUES)
  public static let maxInputs = Int(DL_CHAIN_INPUTS)
  public static let maxOutputs = Int(DL_CHAIN_OUTPUTS)

  private let chain: UnsafeMutablePointer<dl_chain>
  private let inputs: UnsafeMutableBufferPointer<dl_chain_input>
  private let values: UnsafeMutableBufferPointer<dl_chain_value>
  private let steps: UnsafeMutableBufferPointer<dl_chain_step>
  private let programs: UnsafeMutableBufferPointer<dl_program_op>
  private let tiles: Int
  private let tilesOfPiece: Int
  /// Passes over a tile, programs counting as one.
  public let passes: Int
  public let count: Int

  /// - `results`: the numbers of the values put out, each made by a step and of shape `output`.
  ///
  /// Nil where a step has no kernel, or too many values wait at once. Errors: `.shape`.
  public init?(
    _ list: [ChainStep], inputs types: [TensorType], results: [Int], output: Shape,
    isa: KernelISA = .best
  ) throws(EngineError) {
    let made = ChainKernel.types(list, types.map(\.dtype))
    guard let made, types.count <= Self.maxInputs, made.count <= Self.maxValues,
      results.count <= Self.maxOutputs, results.allSatisfy({ $0 >= types.count }),
      Set(results).count == results.count
    else { return nil }
    let layout = try ChainLayout(output: output, inputs: types.map(\.shape))
    let n = types.count
    // Kernels of one operand read it element by element.
    var isDense = [Bool](repeating: false, count: made.count)
    for (i, step) in list.enumerated() where step.arity == 1 {
      if ChainProgram.isLight(step, made, n + i) { continue }
      isDense[step.operands[0]] = true
    }
    var kinds: [dl_input_kind] = []
    for k in 0..<n {
      let isRead = layout.isPlain(k) && (layout.along(k) == 1 || !isDense[k])
      kinds.append(
        layout.isSame(k) ? DL_INPUT_SAME : isRead ? DL_INPUT_PLAIN : DL_INPUT_SPREAD)
    }
    let isOne = made.indices.map { k in
      k < n && kinds[k] == DL_INPUT_PLAIN && layout.along(k) == 0
    }
    let program = ChainProgram(list, types: made, inputs: n, results: results, isOne: isOne)
    guard
      let places = ChainPlaces(
        program, list, types: made, results: results,
        spread: (0..<n).filter { kinds[$0] == DL_INPUT_SPREAD })
    else { return nil }
    var compiled: [dl_chain_step] = []
    for piece in program.pieces {
      guard case .step(let i) = piece else {
        var step = dl_chain_step()
        step.kind = Int32(DL_STEP_PROGRAM.rawValue)
        step.run.program = dl_program_kernel(isa.rawValue)
        compiled.append(step)
        continue
      }
      guard let step = ChainKernel.compiled(list[i], made, n + i, isa) else { return nil }
      compiled.append(step)
    }
    passes = compiled.count
    count = layout.count
    let ops = program.pieces.flatMap { piece -> [dl_program_op] in
      if case .program(let list) = piece { list } else { [] }
    }
    inputs = .allocate(capacity: max(n, 1))
    values = .allocate(capacity: max(list.count, 1))
    steps = .allocate(capacity: max(compiled.count, 1))
    programs = .allocate(capacity: max(ops.count, 1))
    for k in 0..<n {
      var input = dl_chain_input()
      input.kind = Int32(kinds[k].rawValue)
      input.width = Int32(made[k].byteSize)
      input.offset_bytes = places.offsets[k]
      withUnsafeMutableBytes(of: &input.strides) { bytes in
        let all = bytes.bindMemory(to: Int.self)
        for (i, s) in layout.strides[k].enumerated() where i < all.count { all[i] = s }
      }
      inputs.initializeElement(at: k, to: input)
    }
    for i in list.indices {
      let output = results.firstIndex(of: n + i) ?? -1
      values.initializeElement(
        at: i,
        to: dl_chain_value(
          output: Int32(output), width: Int32(made[n + i].byteSize),
          offset_bytes: places.offsets[n + i]))
    }
    for (i, op) in ops.enumerated() { programs.initializeElement(at: i, to: op) }
    var at = 0
    for (i, piece) in program.pieces.enumerated() {
      if case .program(let list) = piece {
        compiled[i].program = UnsafePointer(programs.baseAddress?.advanced(by: at))
        at += list.count
      }
      steps.initializeElement(at: i, to: compiled[i])
    }
    var whole = dl_chain()
    whole.inputs = Int32(n)
    whole.made = Int32(list.count)
    whole.steps = Int32(compiled.count)
    whole.rank = Int32(layout.sizes.count)
    withUnsafeMutableBytes(of: &whole.sizes) { bytes in
      let all = bytes.bindMemory(to: Int.self)
      for (i, s) in layout.sizes.enumerated() where i < all.count { all[i] = s }
    }
    whole.rows = layout.rows
    whole.columns = layout.columns
    whole.input = UnsafePointer(inputs.baseAddress)
    whole.value = UnsafePointer(values.baseAddress)
    whole.step = UnsafePointer(steps.baseAddress)
    chain = .allocate(capacity: 1)
    chain.initialize(to: whole)
    tiles = layout.count == 0 ? 0 : dl_chain_tiles(chain)
    tilesOfPiece = max(1, BroadcastPlan.pieceElements / (layout.rows * layout.columns))
  }

  deinit {
    chain.deallocate()
    inputs.deallocate()
    values.deallocate()
    steps.deallocate()
    programs.deallocate()
  }

  /// The element type of every value, inputs first; nil where operands do not go together.
  public static func types(_ steps: [ChainStep], _ inputs: [DType]) -> [DType]? {
    var types = inputs
    for step in steps {
      guard step.operands.count == step.arity,
        step.operands.allSatisfy({ $0 >= 0 && $0 < types.count })
      else { return nil }
      let own = step.operands.map { types[$0] }
      switch step.function {
      case .binary: guard own[0] == own[1] else { return nil }
      case .choose: guard own[0] == .bool, own[1] == own[2] else { return nil }
      default: break
      }
      guard let result = step.dtype(own), result.isNumberOfBytes || result == .bool else {
        return nil
      }
      types.append(result)
    }
    return types
  }

  /// A step with its kernel; nil where there is none.
  private static func compiled(
    _ step: ChainStep, _ types: [DType], _ y: Int, _ isa: KernelISA
  ) -> dl_chain_step? {
    var result = dl_chain_step()
    result.y = Int32(y)
    result.a = Int32(step.operands[0])
    if step.operands.count > 1 { result.b = Int32(step.operands[1]) }
    if step.operands.count > 2 { result.c = Int32(step.operands[2]) }
    let dtype = types[step.operands[0]]
    switch step.function {
    case .unary(let op, let p, let q):
      guard let kernel = UnaryKernel(op, dtype, isa: isa) else { return nil }
      result.kind = Int32(DL_STEP_UNARY.rawValue)
      result.p = (p, q)
      result.run.unary = kernel.function
    case .binary(let op):
      guard let kernel = BinaryKernel(op, dtype, isa: isa) else { return nil }
      result.kind = Int32(DL_STEP_BINARY.rawValue)
      result.run.binary = kernel.function
    case .choose:
      guard let kernel = WhereKernel(types[y], isa: isa) else { return nil }
      result.kind = Int32(DL_STEP_WHERE.rawValue)
      result.run.where = kernel.function
    case .cast(let to):
      guard let kernel = CastKernel(dtype, to, isa: isa) else { return nil }
      result.kind = Int32(DL_STEP_CAST.rawValue)
      result.run.cast = kernel.function
    }
    return result
  }

  /// Computes every element of the outputs. Output 0 may be an input of its shape, as wide, where
  /// it is the only output.
  public func run(
    _ inputs: UnsafePointer<UnsafeMutableRawPointer>,
    _ outputs: UnsafePointer<UnsafeMutableRawPointer>, _ pool: ThreadPool
  ) {
    nonisolated(unsafe) let from = UnsafeRawPointer(inputs)
      .assumingMemoryBound(to: UnsafeRawPointer?.self)
    nonisolated(unsafe) let to = UnsafeRawPointer(outputs)
      .assumingMemoryBound(to: UnsafeMutableRawPointer?.self)
    nonisolated(unsafe) let whole = self.chain
    let (tiles, each) = (self.tiles, tilesOfPiece)
    pool.run((tiles + each - 1) / each) { piece in
      dl_chain_run(whole, from, to, piece * each, min(tiles, (piece + 1) * each))
    }
  }
}
