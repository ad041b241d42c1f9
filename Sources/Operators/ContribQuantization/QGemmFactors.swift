import Graphs
import Kernels
import Tensors

/// The sums of QGemm: its matrices brought into the order of a plain product first.
struct QGemmFactors: Sendable {
  let product: IntegerProduct
  private let turnA: StridedCopy?
  private let turnB: StridedCopy?
  private let aPlace: Int
  private let bPlace: Int
  private let own: Int
  private let inputs: Int

  /// Errors: `.budget` when there is no memory for a transposed constant.
  init(_ p: Preparation, transA: Bool, transB: Bool) throws(EngineError) {
    let (a, b) = (try p.input(0), try p.input(3))
    inputs = p.inputs.count
    var types = p.inputs
    var constants = p.constants
    var end = (inputs * MemoryLayout<UnsafeMutableRawPointer>.stride + 63) / 64 * 64
    aPlace = end
    turnA = transA ? StridedCopy(transposing: a.shape.array, [1, 0], elementBytes: 1) : nil
    if transA {
      types[0] = TensorType(a.dtype, [a.shape[1], a.shape[0]])
      end += (a.count + 63) / 64 * 64
    }
    bPlace = end
    var turn: StridedCopy?
    if transB {
      let copy = StridedCopy(transposing: b.shape.array, [1, 0], elementBytes: 1)
      let type = TensorType(b.dtype, [b.shape[1], b.shape[0]])
      types[3] = type
      if let constant = p.constant(3), constant.type == b {
        let storage = try Storage(type)
        copy.run(to: storage.bytes, from: constant.storage.bytes, pool: .single)
        withExtendedLifetime(constant) {}
        constants[3] = Tensor(storage)
      }
      turn = copy
      end += (b.count + 63) / 64 * 64
    }
    turnB = turn
    own = end
    product = try IntegerProduct(
      Preparation(
        inputs: types, outputs: p.outputs, constants: constants, options: p.options, store: p.store),
      a: (0, 2), b: (3, 5))
  }

  /// 64-byte aligned.
  var scratchBytes: Int { own + product.scratchBytes }

  /// Writes the sums to `sums`.
  func run(_ m: Memory, _ sums: UnsafeMutableRawPointer, scratch: UnsafeMutableRawPointer) {
    let addresses = scratch.assumingMemoryBound(to: UnsafeMutableRawPointer.self)
    for i in 0..<inputs { addresses[i] = m.inputs[i] }
    if let turnA {
      turnA.run(to: scratch + aPlace, from: m.inputs[0], pool: m.pool)
      addresses[0] = scratch + aPlace
    }
    if let turnB {
      turnB.run(to: scratch + bPlace, from: m.inputs[3], pool: m.pool)
      addresses[3] = scratch + bPlace
    }
    product.run(
      Memory(inputs: addresses, outputs: m.outputs, scratch: scratch + own, pool: m.pool), sums,
      scratch: scratch + own)
  }
}
