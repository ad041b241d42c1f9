import Glibc
import Graphs
import Tensors

@testable import Formats

/// Serialised messages for tests, legal or not, without going through the model's own types.
func wire(_ build: (inout Wire) -> Void) -> Wire {
  var w = Wire()
  build(&w)
  return w
}

func tensorMessage(
  _ name: String = "w", dims: [Int64] = [2], type: Int64 = 1, _ more: (inout Wire) -> Void
) -> Wire {
  wire { w in
    for d in dims { w.int(1, d) }
    w.int(2, type)
    w.text(8, name)
    more(&w)
  }
}

/// An attribute whose `type` is `code` and whose value `more` writes.
func attributeMessage(_ name: String, _ code: Int64?, _ more: (inout Wire) -> Void) -> Wire {
  wire { w in
    w.text(1, name)
    more(&w)
    if let code { w.int(20, code) }
  }
}

func nodeMessage(
  _ type: String = "Relu", _ inputs: [String] = ["x"], _ outputs: [String] = ["y"],
  name: String = "", domain: String = "", attributes: [Wire] = []
) -> Wire {
  wire { w in
    for i in inputs { w.string(1, i) }
    for o in outputs { w.string(2, o) }
    w.text(3, name)
    w.text(4, type)
    for a in attributes { w.message(5, a) }
    w.text(7, domain)
  }
}

func infoMessage(_ name: String, type: Int64 = 1) -> Wire {
  wire { w in
    w.string(1, name)
    w.message(
      2,
      wire { t in
        t.message(
          1,
          wire { e in
            e.int(1, type)
            e.message(2, wire { s in s.message(1, wire { d in d.int(1, 2) }) })
          })
      })
  }
}

func graphMessage(
  nodes: [Wire] = [nodeMessage()], inputs: [String] = ["x"], outputs: [String] = ["y"],
  initializers: [Wire] = [], _ more: (inout Wire) -> Void = { _ in }
) -> Wire {
  wire { w in
    for n in nodes { w.message(1, n) }
    w.text(2, "g")
    for t in initializers { w.message(5, t) }
    for i in inputs { w.message(11, infoMessage(i)) }
    for o in outputs { w.message(12, infoMessage(o)) }
    more(&w)
  }
}

func modelMessage(
  _ graph: Wire? = graphMessage(), ir: Int64? = 10, opsets: [(String, Int64)] = [("", 21)],
  functions: [Wire] = [], _ more: (inout Wire) -> Void = { _ in }
) -> [UInt8] {
  wire { w in
    if let ir { w.int(1, ir) }
    if let graph { w.message(7, graph) }
    for (domain, version) in opsets {
      w.message(
        8,
        wire { o in
          o.text(1, domain)
          o.int(2, version)
        })
    }
    for f in functions { w.message(25, f) }
    more(&w)
  }.joined()
}

func functionMessage(_ name: String, calls: [String] = [], domain: String = "local") -> Wire {
  wire { w in
    w.text(1, name)
    w.string(4, "x")
    w.string(5, "y")
    var last = "x"
    for (i, callee) in calls.enumerated() {
      w.message(7, nodeMessage(callee, [last], ["t\(i)"], domain: domain))
      last = "t\(i)"
    }
    w.message(7, nodeMessage("Relu", [last], ["y"]))
    w.text(10, domain)
  }
}

func read(_ bytes: [UInt8], _ limits: ReadLimits = ReadLimits()) throws -> ModelGraph {
  try ONNXReader.read(bytes: bytes, name: "test.onnx", limits: limits)
}

/// The message of the error that reading throws, with its code in front.
func complaint(_ bytes: [UInt8], _ limits: ReadLimits = ReadLimits()) -> String {
  complaint { _ = try read(bytes, limits) }
}

func complaint(_ body: () throws -> Void) -> String {
  guard let error = failure(body) else { return "accepted" }
  return "\(error.code): \(error.message)"
}

/// Runs `body` on a thread of its own with so many bytes of stack.
func onStack(of size: Int, _ body: @escaping () -> String) -> String {
  final class Box {
    let body: () -> String
    var result = ""
    init(_ body: @escaping () -> String) { self.body = body }
  }
  let box = Box(body)
  var attributes = pthread_attr_t()
  pthread_attr_init(&attributes)
  defer { pthread_attr_destroy(&attributes) }
  pthread_attr_setstacksize(&attributes, size)
  var thread = pthread_t()
  pthread_create(
    &thread, &attributes,
    { argument in
      guard let argument else { return nil }
      let box = Unmanaged<Box>.fromOpaque(argument).takeUnretainedValue()
      box.result = box.body()
      return nil
    }, Unmanaged.passUnretained(box).toOpaque())
  pthread_join(thread, nil)
  return withExtendedLifetime(box) { box.result }
}
