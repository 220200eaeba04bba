// SPDX-License-Identifier: GPL-3.0-or-later

import Operations
import PageTables
package import Policies
import Profiles
package import Quantities
package import Search

/// The policies of a question: a space of knobs, and the policy at each of its points.
///
/// The space has two halves. `today` holds the knobs of user space over the present kernel rules;
/// `kernel` holds the kernel's rules over the present user space. They are not multiplied with
/// each other: a slice and a chunk bound the same hold, so whoever can change one needs not the
/// other. Points whose policies behave alike are one point.
package struct PolicySpace: Sendable {
  /// The sum of a teardown's pauses that a VMM would still wait for.
  package static let longestWait = Nanoseconds.seconds(600)
  /// The knobs as a space; every point has a policy that is possible in the setting.
  package let space: Space
  /// The policy at each point, canonical in the setting.
  package let policies: [Policy]
  /// The point of the host's present policy, where the space holds it.
  package let present: Int?

  /// Lists the policies of a question, in a fixed order.
  package init(_ question: Question) throws(TuningError) {
    let outline = KnobOutline(question)
    let whole: Space
    do {
      whole = try Space(outline.dimensions)
    } catch {
      throw .impossiblePolicy(error.description)
    }
    let setting = question.setting
    var kept: [Point: Policy] = [:]
    var seen: Set<Policy> = []
    for point in whole.points {
      let policy = outline.policy(whole.labels(of: point)).canonical(in: setting)
      guard (try? policy.validate(in: setting)) != nil, seen.insert(policy).inserted else {
        continue
      }
      kept[point] = policy
    }
    space = whole.restricted { kept[$0] != nil }
    policies = space.points.compactMap { kept[$0] }
    let now = question.presentPolicy
    present = policies.firstIndex(of: now)
  }

  /// The same space with only those policies that pass a test.
  package func restricted(_ keep: (Policy) -> Bool) -> Self {
    let kept = policies.map(keep)
    var place = -1
    let smaller = space.restricted { _ in
      place += 1
      return kept[place]
    }
    let left = zip(policies, kept).filter { $0.1 }.map(\.0)
    let now = present.flatMap { left.firstIndex(of: policies[$0]) }
    return Self(space: smaller, policies: left, present: now)
  }

  /// The same space without policies whose pauses take longer in all than `longestWait`: what is
  /// searched.
  package func patient(_ question: Question) -> Self {
    restricted { policy in
      guard let slice = policy.slice else { return true }
      let calls = question.workload.memory.size.divided(roundedUpBy: slice)
      return policy.pause.inSeconds * Double(calls) <= Self.longestWait.inSeconds
    }
  }

  /// Points that turn a single knob of a policy, at most `count`, spread over all of those.
  func plain(from present: Policy, count: Int) -> [Int] {
    let single = policies.indices.filter { policies[$0].changes(from: present).count == 1 }
    let number = min(count, single.count)
    return (0..<number).map { single[(2 * $0 + 1) * single.count / (2 * number)] }
  }

  private init(space: Space, policies: [Policy], present: Int?) {
    self.space = space
    self.policies = policies
    self.present = present
  }

  /// The class that a policy's changes from another need: `kernel` as soon as one of them does.
  package static func knobClass(of policy: Policy, from present: Policy) -> KnobClass {
    let needsKernel = policy.changes(from: present).contains { $0.key.knobClass == .kernel }
    return needsKernel ? .kernel : .today
  }
}

/// The knobs that make sense for a question, as dimensions, and back to policies.
struct KnobOutline {
  let question: Question
  let present: Policy

  init(_ question: Question) {
    self.question = question
    present = question.presentPolicy
  }

  /// The dimensions, thinned where the question asks for it.
  var dimensions: [Dimension] {
    guard question.thinning > 1 else { return everything }
    let thinned = everything.map { thin($0) }
    return thinned.map { dimension in
      let conditions = dimension.conditions.map { condition in
        let target = thinned.first { $0.name == condition.dimension }
        let left = condition.levels.filter { target?.index(of: $0) != nil }
        return Condition(condition.dimension, in: left)
      }
      return Dimension(
        dimension.name,
        tag: dimension.tag,
        levels: dimension.levels,
        when: conditions
      )
    }
  }

  /// Every n-th level of a dimension with an order, the first and the last among them.
  private func thin(_ dimension: Dimension) -> Dimension {
    let levels = dimension.levels
    guard levels.count > 4, levels.allSatisfy({ $0.position != nil }) else { return dimension }
    let kept = levels.indices.filter { $0 % question.thinning == 0 || $0 == levels.count - 1 }
    return Dimension(
      dimension.name,
      tag: dimension.tag,
      levels: kept.map { levels[$0] },
      when: dimension.conditions
    )
  }

  private var everything: [Dimension] {
    let classes: [String] =
      switch question.knobs {
      case .today: ["today"]
      case .kernel: ["present", "kernel"]
      case .any: ["today", "kernel"]
      }
    var dimensions = [Dimension("class", levels: classes.map { Level($0) })]
    if classes.contains("today") { dimensions += today }
    if classes.contains("kernel") { dimensions += kernel }
    return dimensions
  }

  /// The policy with these labels over the present one.
  func policy(_ labels: [(dimension: String, label: String)]) -> Policy {
    var policy = present
    var named: [String: String] = [:]
    for (dimension, label) in labels { named[dimension] = label }
    for key in PolicyKey.allCases {
      guard let value = named[key.rawValue] else { continue }
      // A value that its key refuses leaves the knob as it is; validation then drops doubles.
      try? policy.set(key, to: text(key, value, named))
    }
    return policy
  }

  /// A knob's text from its dimension and those that depend on it.
  private func text(_ key: PolicyKey, _ value: String, _ named: [String: String]) -> String {
    switch (key, value) {
    case (.chunk, "fixed"): named["chunk.size"] ?? value
    case (.chunk, "mapping-aware"): "mapping-aware:\(named["chunk.size"] ?? "")"
    case (.chunk, "visits"): "visits:\(named["chunk.visits"] ?? "")"
    case (.pause, "sleep"): named["pause.time"] ?? value
    case (.tlbi, "vmid"): "vmid:\(named["tlbi.leaves"] ?? "")"
    case (.controller, "time"): "time:\(named["controller.budget"] ?? "")/64"
    case (.controller, "feedback"): "feedback:\(named["controller.floor"] ?? "")/4"
    default: value
    }
  }
}

extension KnobOutline {
  private var isToday: [Condition] { [Condition("class", in: ["today"])] }
  private var isKernel: [Condition] { [Condition("class", in: ["kernel"])] }
  private var granule: Granule { question.setting.granule }
  private var operation: StageTwoOperation { question.workload.operation }

  /// Whether the walker of the operation takes mmu_lock in chunks at all.
  private var isChunked: Bool {
    operation != .teardown || present.path(over: question.workload.teardownPath) != .processExit
  }

  private var today: [Dimension] {
    var found: [Dimension] = []
    if operation == .teardown { found += teardown }
    if operation == .migration, question.mayTurn(.log) {
      // Logging since the guest's start is no choice for a guest that runs.
      let starts = LogStart.allCases.filter { $0 != .boot || $0.rawValue == present.text(of: .log) }
      found.append(knob("log", starts.map { Level($0.rawValue) }, when: isToday))
    }
    if operation == .migration, question.mayTurn(.harvest) {
      let harvests = question.vmm.harvests(question.setting)
      found.append(knob("harvest", harvests.map { Level($0) }, when: isToday))
    }
    if operation == .migration || operation == .logEnable {
      if operation == .migration, question.mayTurn(.clear) {
        let sizes = sizes(from: granule.page * 64, to: .gibibytes(4))
        let isCleared =
          question.mayTurn(.harvest) ? isToday + [Condition("harvest", in: ["clear"])] : isToday
        found.append(knob("clear", sizes + [Level("slot", at: 34)], when: isCleared))
      }
      if question.mayTurn(.split) {
        let blocks = question.setting.blockSizes.map { level($0) }
        found.append(knob("split", [Level("off", at: 0)] + blocks, when: isToday))
      }
    }
    if hasNetwork {
      if question.mayTurn(.irq) {
        found.append(knob("irq", ["same", "moved"].map { Level($0) }, when: isToday))
      }
      if question.mayTurn(.napi) {
        found.append(knob("napi", ["softirq", "threaded"].map { Level($0) }, when: isToday))
      }
    }
    return found
  }

  /// Who frees the memory, in which pieces, with which waits.
  private var teardown: [Dimension] {
    let present = present.path(over: question.workload.teardownPath)
    let paths = question.mayTurn(.path) ? question.vmm.paths(present: present) : [present]
    var found = [knob("path", paths.map { Level($0.rawValue) }, when: isToday)]
    let sliced = paths.filter { $0 == .munmap || $0 == .madviseSlices }.map(\.rawValue)
    guard !sliced.isEmpty, question.mayTurn(.slice) else { return found }
    let isSliced = isToday + [Condition("path", in: sliced)]
    let sizes = sizes(from: granule.page, to: .gibibytes(4))
    found.append(knob("slice", sizes + [Level("none", at: 34)], when: isSliced))
    guard question.mayTurn(.pause) else { return found }
    let waits = isSliced + [Condition("slice", in: sizes.map(\.label))]
    found.append(knob("pause", ["yield", "sleep"].map { Level($0) }, when: waits))
    let slept = waits + [Condition("pause", in: ["sleep"])]
    found.append(knob("pause.time", pauses, when: slept))
    return found
  }

  private var hasNetwork: Bool {
    let network = question.workload.network
    return (network.flows > 0 && network.offered > .zero) || network.datagrams > 0
      || network.requests > 0 || network.connects > 0
  }

  private var kernel: [Dimension] {
    guard isChunked else { return [] }
    return (PolicyKey.chunk.operations.contains(operation) ? chunks : [])
      + (PolicyKey.tlbi.operations.contains(operation) && question.mayTurn(.tlbi) ? flushes : [])
  }

  private var chunks: [Dimension] {
    // A budget of time has no chunk of its own.
    let isRuled = Condition("controller", in: ["fixed", "feedback"])
    let ruled = isKernel + (question.mayTurn(.controller) ? [isRuled] : [])
    let sized = ruled + [Condition("chunk", in: ["fixed", "mapping-aware"])]
    let top = max(question.setting.rootEntry, granule.largestBlock)
    var sizes = sizes(from: granule.page, to: granule.largestBlock)
    if top > granule.largestBlock { sizes.append(level(top)) }
    guard question.mayTurn(.chunk) else { return controllers }
    return controllers + [
      knob("chunk", ["fixed", "mapping-aware", "visits"].map { Level($0) }, when: ruled),
      knob("chunk.size", sizes, when: sized),
      knob(
        "chunk.visits",
        [16, 64, 256, 1024, 4096, 16384, 65536].map { Level("\($0)", at: log2($0)) },
        when: ruled + [Condition("chunk", in: ["visits"])]
      ),
    ]
  }

  private var flushes: [Dimension] {
    let modes = ["per-leaf", "deferred", "if-cleared", "if-cleared-span", "vmid", "none"]
    return [
      knob("tlbi", modes.map { Level($0) }, when: isKernel),
      knob(
        "tlbi.leaves",
        [4, 16, 64, 512, 4096].map { Level("\($0)", at: log2($0)) },
        when: isKernel + [Condition("tlbi", in: ["vmid"])]
      ),
    ]
  }

  private var controllers: [Dimension] {
    guard question.mayTurn(.controller) else { return [] }
    return [
      knob("controller", ["fixed", "time", "feedback"].map { Level($0) }, when: isKernel),
      knob(
        "controller.budget",
        [20, 50, 100, 200, 500, 1000, 2000, 4000, 8000, 16000].map {
          Level("\($0)us", at: log2($0))
        },
        when: isKernel + [Condition("controller", in: ["time"])]
      ),
      knob(
        "controller.floor",
        sizes(from: granule.page * 16, to: granule.smallestBlock, step: 3),
        when: isKernel + [Condition("controller", in: ["feedback"])]
      ),
    ]
  }

  private var pauses: [Level] {
    [20, 50, 100, 200, 500, 1000, 2000, 5000, 10000].map { Level("\($0)us", at: log2($0)) }
  }

  private func knob(_ name: String, _ levels: [Level], when conditions: [Condition]) -> Dimension {
    let key = PolicyKey(rawValue: String(name.prefix { $0 != "." }))
    return Dimension(name, tag: key?.knobClass.rawValue ?? "", levels: levels, when: conditions)
  }

  /// Powers of two (or of `1 << step`) between two sizes, both included where they are hit.
  private func sizes(from low: ByteCount, to high: ByteCount, step: Int = 1) -> [Level] {
    var sizes: [Level] = []
    var size = low
    while size <= high {
      sizes.append(level(size))
      size = size * (1 << Int64(step))
    }
    return sizes
  }

  private func level(_ size: ByteCount) -> Level {
    Level(size.description, at: Double(size.rawValue.trailingZeroBitCount))
  }

  private func log2(_ count: Int) -> Double { Double(Int.bitWidth - count.leadingZeroBitCount) }
}
