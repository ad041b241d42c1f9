import Formats
import Graphs
import Tensors

/// `StackedRNNCells`: each cell's output is the next one's input.
struct StackedCells: KerasCell {
  let cells: [KerasObject]

  init(_ config: KerasConfig, _ reader: KerasReader) throws(EngineError) {
    var names = SnakeNames()
    var made: [KerasObject] = []
    for item in config["cells"]?.asArray ?? [] {
      let inner = try KerasConfig(serialized: item)
      made.append(try reader.child(inner, at: "cells/\(names.next(inner.className))"))
    }
    cells = made
    guard !cells.isEmpty,
      cells.allSatisfy({ $0.layer is any KerasCell || $0.layer is UnknownLayer })
    else { throw EngineError(.unsupported, "cells that are none of Keras' own") }
  }

  private func walk(
    _ x: [Dim], _ visit: (any KerasCell, [Dim]) throws(EngineError) -> Void
  ) throws(EngineError) {
    var x = x
    for object in cells {
      guard let cell = object.layer as? any KerasCell else { continue }
      try visit(cell, x)
      x = Array(x.prefix(1)) + (try cell.outputShape(x)).map { Dim($0) }
    }
  }

  func stateShapes(_ x: [Dim]) throws(EngineError) -> [[Int]] {
    var shapes: [[Int]] = []
    try walk(x) { (cell, x) throws(EngineError) in shapes += try cell.stateShapes(x) }
    return shapes
  }

  func outputShape(_ x: [Dim]) throws(EngineError) -> [Int] {
    var shape: [Int] = []
    try walk(x) { (cell, x) throws(EngineError) in shape = try cell.outputShape(x) }
    return shape
  }

  func step(
    _ call: LayerCall, _ x: ValueID, _ states: [ValueID]
  ) throws(EngineError) -> (output: ValueID, states: [ValueID]) {
    var y = x
    var after: [ValueID] = []
    for object in cells {
      guard let cell = object.layer as? any KerasCell else { continue }
      let count = try cell.stateShapes(try call.dims(y)).count
      let inner = LayerCall(
        b: call.b, object: object, arguments: [], keywords: [], outerType: call.dtype)
      let made = try cell.step(
        inner, y, Array(states.dropFirst(after.count).prefix(count)))
      y = made.output
      after += made.states
    }
    return (y, after)
  }
}
