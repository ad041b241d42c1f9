import Tensors

/// A class of layer or operation: what its configuration means, and what graph it becomes.
///
/// `init` refuses options that cannot be converted, so that all of them can be told at once.
protocol KerasLayer: SendableMetatype {
  /// Reads the configuration.
  ///
  /// Errors: `.unsupported` for options that cannot be converted; `.malformed`.
  init(_ config: KerasConfig, _ reader: KerasReader) throws(EngineError)
  /// The layer's own weights in the order in which Keras creates them.
  var variables: [KerasVariable] { get }
  /// Records the layer applied to the call's arguments.
  func convert(_ call: LayerCall) throws(EngineError) -> KerasValue
}

extension KerasLayer {
  var variables: [KerasVariable] { [] }
}

/// One weight of a layer.
struct KerasVariable: Sendable {
  let name: String
  /// Where a Keras 3 archive has it, from the layer on: the path of attributes to the object that
  /// owns it. Empty: the layer itself.
  var place = ""
  /// Legacy files list weights that are trained before those that are not.
  var isTrained = true
  /// Whether inference reads it.
  var isUsed = true
  /// Its name in the archive, where it is no number.
  var key: String?

  init(
    _ name: String, place: String = "", isTrained: Bool = true, isUsed: Bool = true,
    key: String? = nil
  ) {
    self.name = name
    self.place = place
    self.isTrained = isTrained
    self.isUsed = isUsed
    self.key = key
  }
}
