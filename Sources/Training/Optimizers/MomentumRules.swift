import Kernels

extension KerasRules {
  /// `m = momentum m - rate g; w = w + m`; with Nesterov `w = w + momentum m - rate g`.
  public func sgd(
    learningRate: Double = 0.01, momentum: Double = 0, nesterov: Bool = false,
    weightDecay: Double = 0
  ) -> OptimizerRule {
    OptimizerRule(
      "keras.sgd", learningRate: learningRate, weightDecay: weightDecay, decoupled: true,
      settings: [("momentum", momentum), ("nesterov", nesterov ? 1 : 0)],
      .elements(.momentum) { step, a in
        a[2] = momentum
        a[3] = momentum > 0 ? -step.learningRate : 0
        a[4] = momentum > 0 ? nesterov ? momentum : 1 : 0
        a[5] = momentum > 0 && !nesterov ? 0 : -step.learningRate
      })
  }

  /// `m = beta2 m + (1 - beta2) g; w = w - rate sign(beta1 m_old + (1 - beta1) g)`. Chen et al.
  /// 2023.
  public func lion(
    learningRate: Double = 0.001, beta1: Double = 0.9, beta2: Double = 0.99, weightDecay: Double = 0
  ) -> OptimizerRule {
    OptimizerRule(
      "keras.lion", learningRate: learningRate, weightDecay: weightDecay, decoupled: true,
      settings: [("beta1", beta1), ("beta2", beta2)],
      .elements(.lion) { step, a in
        a[2] = beta1
        a[3] = beta2
        a[4] = step.learningRate
      })
  }
}

extension TorchRules {
  /// `m = momentum m + (1 - dampening) g; w = w - rate m`; the first `m` is `g`.
  public func sgd(
    learningRate: Double = 0.001, momentum: Double = 0, dampening: Double = 0,
    nesterov: Bool = false, weightDecay: Double = 0
  ) -> OptimizerRule {
    OptimizerRule(
      "torch.sgd", learningRate: learningRate, weightDecay: weightDecay, decoupled: false,
      settings: [
        ("momentum", momentum), ("dampening", dampening), ("nesterov", nesterov ? 1 : 0),
      ],
      .elements(.momentum) { step, a in
        a[2] = momentum
        a[3] = momentum > 0 ? step.number == 1 ? 1 : 1 - dampening : 0
        a[4] = momentum > 0 ? -step.learningRate * (nesterov ? momentum : 1) : 0
        a[5] = momentum > 0 && !nesterov ? 0 : -step.learningRate
      })
  }
}
