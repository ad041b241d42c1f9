import Formats
import Graphs
import Tensors

/// Gives layers their weights.
enum KerasWeights {
  /// From a Keras 3 archive: each layer's group has `vars/0`, `vars/1`, …; layers within it stand
  /// under the path of attributes that leads to them.
  ///
  /// Errors: `.malformed` where a weight that inference needs is missing.
  static func load(_ root: KerasObject, from group: HDF5Object) throws(EngineError) {
    var missing: [KerasObject] = []
    try load(root, from: group, path: "", &missing)
    // Keras stores a layer that stands in several models once; the others have its name.
    var found: [String: KerasObject] = [:]
    for object in missing {
      if found.isEmpty {
        root.visit {
          found["\($0.className) \($0.name)"] = $0
        } unless: {
          $0.lacksWeights
        }
      }
      guard let same = found["\(object.className) \(object.name)"] else { continue }
      object.takeWeights(of: same)
    }
  }

  private static func load(
    _ object: KerasObject, from group: HDF5Object, path: String, _ missing: inout [KerasObject]
  ) throws(EngineError) {
    var counts: [String: Int] = [:]
    var weights: [KerasObject.Weight?] = []
    for variable in object.layer.variables {
      let index = counts[variable.place, default: 0]
      counts[variable.place] = index + 1
      let place = variable.place.isEmpty ? "vars" : "\(variable.place)/vars"
      guard variable.isUsed else {
        weights.append(nil)
        continue
      }
      let here = "\(place)/\(variable.key ?? "\(index)")"
      var dataset = try group.descendant(here)
      // Some classes have a property of the private attribute's name, which Keras then stores by.
      if dataset == nil, here.hasPrefix("_") {
        dataset = try group.descendant(String(here.dropFirst()))
      }
      let full = path.isEmpty ? here : "\(path)/\(here)"
      weights.append(dataset.map { KerasObject.Weight(dataset: $0, name: full) })
    }
    object.weights = weights
    for child in object.children {
      let full = path.isEmpty ? child.path : "\(path)/\(child.path)"
      guard let inner = try group.descendant(child.path) else {
        child.object.dropWeights()
        missing.append(child.object)
        continue
      }
      try load(child.object, from: inner, path: full, &missing)
    }
  }

  /// From a legacy file: a group for each layer of the model, whose attribute lists its weights,
  /// those that are trained first.
  ///
  /// Errors: `.malformed` where the numbers of weights differ or one is missing.
  static func load(_ model: KerasObject, fromLegacy root: HDF5Object) throws(EngineError) {
    guard let group = try root.child("model_weights") else {
      throw EngineError(.malformed, "the file has no group model_weights")
    }
    for child in model.children {
      let wanted = child.object.allVariables()
      for entry in wanted where entry.object.weights.isEmpty {
        entry.object.weights = entry.object.layer.variables.map { _ in nil }
      }
      guard !wanted.isEmpty else { continue }
      guard let layer = try group.descendant(child.object.name) else {
        throw EngineError(.malformed, "the file has no weights of layer '\(child.object.name)'")
      }
      let names = try list("weight_names", of: layer)
      let ordered = wanted.filter(\.isTrained) + wanted.filter { !$0.isTrained }
      guard names.count == ordered.count else {
        throw EngineError(
          .malformed, "layer '\(child.object.name)' has another number of weights",
          expected: "\(ordered.count)", received: "\(names.count)")
      }
      for (name, entry) in zip(names, ordered) where entry.object.uses(entry.index) {
        guard let dataset = try layer.descendant(name) else {
          throw EngineError(.malformed, "the file has no weight '\(name)'")
        }
        entry.object.weights[entry.index] = KerasObject.Weight(dataset: dataset, name: name)
      }
    }
  }

  /// A list of texts; one longer than an attribute may be is split into `name0`, `name1`, ….
  private static func list(_ name: String, of group: HDF5Object) throws(EngineError) -> [String] {
    if let whole = try group.attribute(name) { return try whole.texts() }
    var result: [String] = []
    var i = 0
    while let part = try group.attribute("\(name)\(i)") {
      result += try part.texts()
      i += 1
    }
    return result
  }
}

extension KerasObject {
  fileprivate func uses(_ index: Int) -> Bool { layer.variables[index].isUsed }

  fileprivate func dropWeights() {
    weights = layer.variables.map { _ in nil }
    for child in children { child.object.dropWeights() }
  }

  /// Whether the file had none of the weights of this layer and those within.
  fileprivate var lacksWeights: Bool {
    weights.allSatisfy { $0 == nil } && children.allSatisfy { $0.object.lacksWeights }
  }

  fileprivate func visit(
    _ note: (KerasObject) -> Void, unless skips: (KerasObject) -> Bool
  ) {
    if !skips(self) { note(self) }
    for child in children { child.object.visit(note, unless: skips) }
  }

  /// Takes the weights of a layer of the same class and form.
  fileprivate func takeWeights(of other: KerasObject) {
    guard weights.count == other.weights.count, children.count == other.children.count else {
      return
    }
    weights = other.weights
    for (mine, theirs) in zip(children, other.children) {
      mine.object.takeWeights(of: theirs.object)
    }
  }
}
