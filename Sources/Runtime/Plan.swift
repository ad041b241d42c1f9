import Graphs
import Kernels
import Tensors

/// A graph laid out for one set of input types: steps in order, every planned buffer at a fixed
/// offset of one arena.
final class Plan: Sendable {
  /// A kernel whose memory is known but for the addresses that differ from run to run.
  struct KernelStep: Sendable {
    let call: Call
    /// First of its addresses in the run's table: inputs, then outputs.
    let firstAddress: Int
    let inputCount: Int
    let node: Int
    /// Where in the arena its working memory starts.
    var scratchOffset = 0
  }
  /// A node that runs at once, on values.
  struct DynamicStep: Sendable {
    let op: any Operator
    let inputs: [Int?]
    let captured: [Int?]
    /// Inputs that are constants of the plan.
    let lasting: [Bool]
    let outputs: [Int?]
    let node: Int
    /// Slots nobody needs after this step.
    let releases: [Int]
    let calls = DynamicCalls()
  }
  enum Step: Sendable {
    case kernel(KernelStep)
    case dynamic(DynamicStep)
  }
  /// Where a slot's bytes are.
  enum Place: Sendable {
    case arena(offset: Int)
    case constant(Tensor)
    case input(Int)
    case captured(Int)
    /// Memory of its own, made for each run: outputs, and what dynamic nodes see.
    case fresh(TensorType)
    /// Another slot's memory under another type.
    case view(of: Int, TensorType)
    /// A value that a dynamic step makes.
    case dynamic
    case absent
  }

  let steps: [Step]
  let places: [Place]
  /// Slots of the outputs, nil for those that do not exist.
  let outputs: [Int]
  /// Slot for each address of the table.
  let addressSlots: [Int]
  let arenaBytes: Int
  /// The most working memory of any step, which the arena holds.
  let scratchBytes: Int
  /// Arena and fresh memory of a run.
  let peakBytes: Int
  /// Names for errors and profiles, by node number.
  let nodeNames: [String]
  let operatorNames: [String]
  /// Addresses that must be set again for every run.
  let patches: [(address: Int, slot: Int)]
  /// Slots that need memory of their own in each run; the first output that is all of it.
  let freshSlots: [(slot: Int, type: TensorType, output: Int?)]
  let contexts = ContextPool()

  init(
    steps: [Step], places: [Place], outputs: [Int], addressSlots: [Int], arenaBytes: Int,
    scratchBytes: Int, nodeNames: [String], operatorNames: [String]
  ) {
    self.steps = steps
    self.places = places
    self.outputs = outputs
    self.addressSlots = addressSlots
    self.arenaBytes = arenaBytes
    self.scratchBytes = scratchBytes
    self.nodeNames = nodeNames
    self.operatorNames = operatorNames
    var patches: [(Int, Int)] = []
    for (address, slot) in addressSlots.enumerated() {
      switch places[Plan.root(slot, places)] {
      case .input, .captured, .fresh: patches.append((address, slot))
      default: break
      }
    }
    self.patches = patches
    var fresh: [(Int, TensorType, Int?)] = []
    var freshBytes = 0
    for (i, place) in places.enumerated() {
      if case .fresh(let type) = place {
        fresh.append((i, type, outputs.firstIndex { Plan.root($0, places) == i }))
        freshBytes += type.byteCount
      }
    }
    freshSlots = fresh
    peakBytes = arenaBytes + freshBytes
  }

  static func root(_ slot: Int, _ places: [Place]) -> Int {
    var s = slot
    while case .view(let of, _) = places[s] { s = of }
    return s
  }
}

/// What one run needs beside the plan: an arena, and the table of addresses.
final class RunContext: @unchecked Sendable {
  let arena: UnsafeMutableRawPointer
  private let block: AllocatedBlock
  let addresses: UnsafeMutablePointer<UnsafeMutableRawPointer>
  var values: [Value?]

  init(_ plan: Plan, _ session: SessionState) throws(EngineError) {
    let bytes = max(64, plan.arenaBytes)
    guard let block = AllocatedBlock(bytes: bytes, from: session.options.allocator) else {
      throw EngineError(.budget, "no memory to run the graph", received: "\(bytes) bytes")
    }
    self.block = block
    arena = block.memory
    addresses = .allocate(capacity: plan.addressSlots.count + 1)
    addresses.initialize(repeating: Storage.empty, count: plan.addressSlots.count + 1)
    values = [Value?](repeating: nil, count: plan.places.count)
    for (i, slot) in plan.addressSlots.enumerated() {
      switch plan.places[Plan.root(slot, plan.places)] {
      case .arena(let offset): addresses[i] = arena + offset
      case .constant(let t): addresses[i] = t.storage.bytes
      default: break
      }
    }
    for (i, place) in plan.places.enumerated() {
      if case .constant(let t) = place { values[i] = .tensor(t) }
    }
  }

  deinit { addresses.deallocate() }
}
