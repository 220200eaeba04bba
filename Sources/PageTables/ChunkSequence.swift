// SPDX-License-Identifier: GPL-3.0-or-later

public import Quantities

/// One chunk of an operation: one call of the walker, and what it did.
public struct Chunk: Hashable, Sendable {
  /// The bytes of IPA the call covered.
  public let span: ByteCount
  /// What happened in the call, its end-of-call flush included, without the break point after it.
  public let counts: EventCounts

  /// Creates a chunk from the bytes it covers and the events in it.
  public init(span: ByteCount, counts: EventCounts) {
    self.span = span
    self.counts = counts
  }
}

/// The chunks of one operation in order, run-length encoded: equal neighbours are one repeated.
///
/// This is what the machine executes: the lock may be yielded between two chunks when
/// `mayYield` is set, and never inside one. Inside, repeats nest, so the sequence of a hundred
/// thousand chunks is a handful of values; `inOrder` lays it out flat.
public struct ChunkSequence: Hashable, Sendable {
  /// A number of equal chunks in a row.
  public struct Repeated: Hashable, Sendable {
    /// The chunk that repeats.
    public let chunk: Chunk
    /// How often, at least once.
    public let repeats: Int64

    /// Creates a run; `repeats` is at least one.
    public init(chunk: Chunk, repeats: Int64) {
      precondition(repeats > 0, "a run holds at least one chunk")
      self.chunk = chunk
      self.repeats = repeats
    }
  }

  private var chunks = RunTree<Chunk>()
  /// What happens after the last chunk, outside the lock: the slot flush of a write-protect.
  public var epilogue = EventCounts.zero
  /// Whether the operation offers a break point between two chunks.
  public var mayYield = true

  /// Creates a sequence without chunks.
  public init() {}

  init(chunks: RunTree<Chunk>, epilogue: EventCounts = .zero, mayYield: Bool = true) {
    self.chunks = chunks
    self.epilogue = epilogue
    self.mayYield = mayYield
  }

  /// Appends equal chunks, merging them with the last repeated where they are equal.
  public mutating func append(_ chunk: Chunk, repeats: Int64 = 1) {
    precondition(repeats > 0, "a run holds at least one chunk")
    chunks.append(chunk, repeats)
  }

  /// The runs in the order of the walk, laid out flat; equal neighbours are one.
  public var inOrder: [Repeated] {
    var inOrder: [Repeated] = []
    forEachRun {
      inOrder.append($0)
      return true
    }
    return inOrder
  }

  /// Calls `body` for the runs in the order of the walk while it returns true.
  ///
  /// Equal neighbours are one. Nothing is laid out: the beginning costs what the beginning is.
  public func forEachRun(_ body: (Repeated) -> Bool) {
    var open: Repeated?
    let isComplete = chunks.prefixRuns { chunk, repeats in
      guard let last = open else {
        open = Repeated(chunk: chunk, repeats: repeats)
        return true
      }
      let isSame = last.chunk == chunk
      open = Repeated(chunk: chunk, repeats: isSame ? last.repeats + repeats : repeats)
      return isSame || body(last)
    }
    if isComplete, let open { _ = body(open) }
  }

  /// The distinct chunks in the order of their first appearance, each with how often it occurs.
  ///
  /// Costs what distinct stretches cost, where `inOrder` costs what the flat sequence does.
  public var tally: [Repeated] {
    chunks.distinct.map { Repeated(chunk: $0.element, repeats: $0.times) }
  }

  /// The sequence with equal chunks brought together: the same events and tally in another order.
  ///
  /// For what depends on the chunks and not on their order, at the cost of distinct chunks.
  public var gathered: ChunkSequence {
    var sequence = ChunkSequence(chunks: RunTree(), epilogue: epilogue, mayYield: mayYield)
    for repeated in tally { sequence.append(repeated.chunk, repeats: repeated.repeats) }
    return sequence
  }

  /// The sequence cut into sequences of `count` chunks; the last may be shorter.
  ///
  /// What one call did becomes what calls over equal parts do. Costs what distinct parts cost,
  /// and a pair of numbers for each run of equal ones.
  public func cut(every count: Int64) -> SequenceParts {
    precondition(count > 0, "a sequence has chunks")
    var parts = SequenceParts()
    let order = chunks.batches(of: count).map {
      parts.shape(of: ChunkSequence(chunks: $0, mayYield: mayYield))
    }
    order.forEachRun { parts.append(shape: $0, repeats: $1) }
    return parts
  }

  /// The number of chunks.
  public var chunkCount: Int64 { chunks.count }

  /// The largest value that any chunk has for a measure, or nil in an empty sequence.
  public func maximum(_ measure: (Chunk) -> Int64) -> Int64? {
    chunks.distinctMaximum(measure)
  }

  /// The events of the whole operation, its break points and epilogue included.
  public var total: EventCounts {
    var sum = chunks.sum(EventCounts.zero, { $0.counts }, { $0 += $1 * $2 })
    sum += epilogue
    if mayYield { sum.breakPoints += max(0, chunkCount - 1) }
    return sum
  }
}

/// Sequences that follow one another, each distinct one kept once.
public struct SequenceParts: Equatable, Sendable {
  /// A number of equal sequences in a row.
  public struct Run: Hashable, Sendable {
    /// The sequence, as an index into `shapes`.
    public let shape: Int
    /// How often, at least once.
    public var repeats: Int64
  }

  /// The distinct sequences, in the order of their first appearance.
  public private(set) var shapes: [ChunkSequence] = []
  /// The sequences in order; equal neighbours are one run.
  public private(set) var runs: [Run] = []
  private var known: [ChunkSequence: Int] = [:]

  /// Creates an empty sequence.
  public init() {}

  /// Whether both are the same sequences in the same order.
  public static func == (left: Self, right: Self) -> Bool {
    left.runs == right.runs && left.shapes == right.shapes
  }

  /// Adds a sequence at the end.
  public mutating func append(_ sequence: ChunkSequence) {
    append(shape: shape(of: sequence), repeats: 1)
  }

  /// Adds all sequences of others at the end, `repeats` times.
  public mutating func append(_ others: SequenceParts, repeats: Int64) {
    let shapes = others.shapes.map { shape(of: $0) }
    if others.runs.count == 1 {
      return append(shape: shapes[others.runs[0].shape], repeats: others.runs[0].repeats * repeats)
    }
    for _ in 0..<repeats {
      for run in others.runs { append(shape: shapes[run.shape], repeats: run.repeats) }
    }
  }

  /// The events of all sequences.
  public var total: EventCounts {
    var times = shapes.map { _ in Int64(0) }
    for run in runs { times[run.shape] += run.repeats }
    return zip(shapes, times).reduce(into: .zero) { $0 += $1.0.total * $1.1 }
  }

  fileprivate mutating func shape(of sequence: ChunkSequence) -> Int {
    if let index = known[sequence] { return index }
    shapes.append(sequence)
    known[sequence] = shapes.count - 1
    return shapes.count - 1
  }

  fileprivate mutating func append(shape: Int, repeats: Int64) {
    if runs.last?.shape == shape {
      runs[runs.count - 1].repeats += repeats
    } else {
      runs.append(Run(shape: shape, repeats: repeats))
    }
  }
}
