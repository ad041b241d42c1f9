/// Every built-in operator of TensorFlow Lite that is converted, from the lists of the families.
enum LiteOperators {
  static let families: [[LiteOperator]] = [
    LiteElementwise.operators, LiteComparisons.operators, LiteConvolutions.operators,
    LitePools.operators, LiteProducts.operators, LiteReductions.operators, LiteShapes.operators,
    LiteParts.operators, LitePlaces.operators, LiteImages.operators, LiteNumbers.operators,
    LiteRecurrent.operators, LiteDetections.operators, LiteFlow.operators,
  ]

  static let table: [String: LiteOperator] = Dictionary(
    families.joined().map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
}
