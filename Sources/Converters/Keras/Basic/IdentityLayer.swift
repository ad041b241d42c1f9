import Tensors

/// Layers that do nothing at inference: identity, dropouts, noises, penalties, augmentations.
struct IdentityLayer: KerasLayer {
  init(_ config: KerasConfig, _ reader: KerasReader) throws(EngineError) {
    if config.className.hasPrefix("Random") || Self.augmentations.contains(config.className) {
      reader.note("augmentation layers such as \(config.className) are left out")
    }
  }

  private static let augmentations = ["AugMix", "AutoContrast", "CutMix", "MixUp", "RandAugment"]

  func convert(_ call: LayerCall) throws(EngineError) -> KerasValue {
    guard let value = call.argument(0, "inputs") else {
      throw EngineError(.malformed, "layer '\(call.name)' is called without inputs")
    }
    guard let tensor = value.tensor else { return value }
    return .tensor(try call.cast(tensor))
  }
}
