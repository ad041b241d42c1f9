import Training
public final class Trainer {}
