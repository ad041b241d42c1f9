import Graphs
import Kernels
import Tensors

/// A graph laid out for one set of input types: steps in order, every planned buffer at a fixed
/// offset of one arena.
final class Plan: Sendable {
  /// A kernel whose memory is known but for the addresses that differ from run to run.
  struct KernelStep: Sendable {
    var call: Call
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
    // Much larger than a kernel's, which most steps are.
    indirect case dynamic(DynamicStep)
  }
  /// Where a slot's bytes are.
  enum Place: Sendable {
    case arena(offset: Int)
    case constant(Tensor)
    case input(Int)
    case captured(Int)
    /// Memory of its own, made for each run: outputs, and what dynamic nodes see.
    case fresh(TensorType)
    /// Another slot's memory from a byte on, under another type.
    case view(of: Int, TensorType, offset: Int)
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
  /// An entry of the table of addresses: so many bytes from where something starts.
  struct Address {
    let entry: Int
    let offset: Int
  }
  /// Entries that point into the arena.
  let arenaAddresses: [Address]
  /// Entries that must be set again for every run, by the slot whose memory they point into.
  let patches: [(slot: Int, addresses: [Address])]
  /// A slot that needs memory of its own in each run.
  struct FreshSlot {
    let slot: Int
    let type: TensorType
    /// The first output that is all of it.
    let output: Int?
    /// Whether other values lie in it before it is made, for which its address should be aligned.
    let holdsOthers: Bool
  }
  let freshSlots: [FreshSlot]
  /// Slots that are inputs or captured values, and which.
  let inputSlots: [(slot: Int, input: Int)]
  let capturedSlots: [(slot: Int, captured: Int)]
  /// Slots of values that dynamic steps make.
  let dynamicSlots: [Int]
  let hasDynamicSteps: Bool
  let contexts = ContextPool()

  init(
    steps: [Step], places: [Place], holdsOthers: [Bool], outputs: [Int], addressSlots: [Int],
    arenaBytes: Int,
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
    hasDynamicSteps = steps.contains { if case .dynamic = $0 { true } else { false } }
    var inArena: [Address] = []
    var patched = [[Address]](repeating: [], count: places.count)
    for (entry, slot) in addressSlots.enumerated() {
      let (root, offset) = Plan.resolve(slot, places)
      switch places[root] {
      case .arena(let start): inArena.append(Address(entry: entry, offset: start + offset))
      case .input, .captured, .fresh:
        patched[root].append(Address(entry: entry, offset: offset))
      default: break
      }
    }
    arenaAddresses = inArena
    patches = patched.indices.lazy.filter { !patched[$0].isEmpty }.map { ($0, patched[$0]) }
    var outputOfRoot = [Int?](repeating: nil, count: places.count)
    for (k, slot) in outputs.enumerated().reversed() {
      outputOfRoot[Plan.resolve(slot, places).root] = k
    }
    var fresh: [FreshSlot] = []
    var freshBytes = 0
    var inputSlots: [(Int, Int)] = []
    var capturedSlots: [(Int, Int)] = []
    var dynamicSlots: [Int] = []
    for (i, place) in places.enumerated() {
      switch place {
      case .fresh(let type):
        fresh.append(
          FreshSlot(
            slot: i, type: type, output: outputOfRoot[i], holdsOthers: holdsOthers[i]))
        freshBytes += type.byteCount
      case .input(let k): inputSlots.append((i, k))
      case .captured(let k): capturedSlots.append((i, k))
      case .dynamic: dynamicSlots.append(i)
      default: break
      }
    }
    freshSlots = fresh
    self.inputSlots = inputSlots
    self.capturedSlots = capturedSlots
    self.dynamicSlots = dynamicSlots
    peakBytes = arenaBytes + freshBytes
  }

  /// The slot whose memory a slot lies in, and where in it.
  static func resolve(_ slot: Int, _ places: [Place]) -> (root: Int, offset: Int) {
    var (root, start) = (slot, 0)
    while case .view(let of, _, let offset) = places[root] { (root, start) = (of, start + offset) }
    return (root, start)
  }
}

/// What one run needs beside the plan: an arena, and the table of addresses.
final class RunContext: @unchecked Sendable {
  /// Taken for each run, and lent to other plans of the session in between.
  private(set) var arena: AllocatedBlock?
  /// Where the arena lay that the table speaks of.
  private var base: UnsafeMutableRawPointer?
  let addresses: UnsafeMutablePointer<UnsafeMutableRawPointer>
  var values: [Value?]

  init(_ plan: Plan) {
    addresses = .allocate(capacity: plan.addressSlots.count + 1)
    addresses.initialize(repeating: Storage.empty, count: plan.addressSlots.count + 1)
    values = [Value?](repeating: nil, count: plan.places.count)
    for (i, place) in plan.places.enumerated() {
      if case .constant(let t) = place { values[i] = .tensor(t) }
    }
    for (entry, slot) in plan.addressSlots.enumerated() {
      let (root, offset) = Plan.resolve(slot, plan.places)
      if case .constant(let t) = plan.places[root] { addresses[entry] = t.storage.bytes + offset }
    }
  }

  /// Where working memory and planned buffers are.
  var arenaBytes: UnsafeMutableRawPointer { base ?? Storage.empty }

  /// Runs in `arena` from now on.
  func use(_ arena: AllocatedBlock, _ plan: Plan) {
    self.arena = arena
    guard base != arena.memory else { return }
    base = arena.memory
    for address in plan.arenaAddresses {
      addresses[address.entry] = arena.memory + address.offset
    }
  }

  func releaseArena() -> AllocatedBlock? {
    defer { arena = nil }
    return arena
  }

  deinit { addresses.deallocate() }
}
