// SPDX-License-Identifier: GPL-3.0-or-later

#if canImport(Glibc)
import Glibc
#else
import Foundation
#endif

import Operations
import PageTables
import Policies
import Profiles
import Quantities
import Randomness

/// A search that shares nothing with the recommender but the simulator of whole runs.
///
/// It knows no grid, no window and no cost model: sizes and times are drawn from the whole range that a
/// policy may write, a knob at a time and all together, and the best of them are changed further.
/// What it finds is what a patient person with a script would find.
struct IndependentSearch {
  let question: Question
  let tools: TuningTools
  let goal: Goal
  /// Whole runs that look for policies.
  let trials: Int
  private let bench: Bench
  private var chance: Stream

  /// The first replicate of its runs, which no answer has seen.
  private static let first = 9_000

  init(_ question: Question, tools: TuningTools, goal: Goal, trials: Int, seed: UInt64) {
    (self.question, self.tools, self.goal, self.trials) = (question, tools, goal, trials)
    bench = Bench(question, tools: tools)
    chance = Seed(seed).stream("independent \(question.host.name) \(question.workload.name)")
  }

  /// The policies that look best after a run each, those that keep the limits first; at most `count`.
  mutating func search(keeping count: Int) throws(TuningError) -> [Policy] {
    var found: [Candidate] = []
    var seen: Set<Policy> = []
    func add(_ policies: [Policy]) throws(TuningError) {
      let fresh = policies.filter { seen.insert($0).inserted }
      let requests = fresh.map { RunRequest(policy: $0, replicate: Self.first, extent: .full) }
      found += zip(fresh, try bench.values(requests, goal)).map { Candidate($0, $1, goal.problem) }
      found.sort { ($0.violation, $0.cost) < ($1.violation, $1.cost) }
    }
    try add([question.presentPolicy])
    guard !keys.isEmpty else { return [question.presentPolicy] }
    try add(single)
    try add((0..<(trials / 3)).compactMap { _ in drawn() })
    var idle = 0
    while seen.count < trials, idle < 64 {
      let before = seen.count
      let leaders = found.prefix(6).map(\.policy)
      try add((0..<4).compactMap { _ in changed(leaders[index(below: leaders.count)]) })
      idle = seen.count == before ? idle + 1 : 0
    }
    return found.prefix(count).map(\.policy)
  }

  /// The knobs that the question lets one turn and that its operation reads.
  private var keys: [PolicyKey] {
    PolicyKey.allCases.filter { key in
      let isOfClass =
        switch question.knobs {
        case .any: true
        case .today: key.knobClass == .today
        case .kernel: key.knobClass == .kernel
        }
      return isOfClass && question.mayTurn(key) && question.workload.idleReason(key) == nil
    }
  }

  /// The present policy with one knob at a few values each.
  private var single: [Policy] {
    mutating get {
      var policies: [Policy] = []
      for key in keys {
        for _ in 0..<3 {
          if let policy = legal(question.presentPolicy, [key]) { policies.append(policy) }
        }
      }
      return policies
    }
  }

  /// A policy of several knobs.
  private mutating func drawn() -> Policy? {
    for _ in 0..<32 {
      let turned = keys.filter { _ in chance.uniform() < 0.6 }
      if let policy = legal(question.presentPolicy, turned) { return policy }
    }
    return nil
  }

  /// A policy with one or two knobs drawn anew.
  private mutating func changed(_ policy: Policy) -> Policy? {
    for _ in 0..<32 {
      let one = keys[index(below: keys.count)]
      let other = chance.uniform() < 0.3 ? [keys[index(below: keys.count)]] : []
      if let next = legal(policy, [one] + other), next != policy { return next }
    }
    return nil
  }

  /// A policy with some knobs drawn anew, where that is possible, safe, allowed and over in time.
  private mutating func legal(_ policy: Policy, _ keys: [PolicyKey]) -> Policy? {
    var policy = policy
    for key in keys {
      let text = value(of: key)
      guard (try? policy.set(key, to: text)) != nil else { return nil }
      if key == .path, text != "madvise-slices" && text != "munmap" {
        (policy.slice, policy.pause) = (nil, .zero)
      }
    }
    policy = policy.canonical(in: question.setting)
    guard (try? policy.validate(in: question.setting)) != nil, question.allows(policy),
      tools.safety.verdict(question, policy: policy).isSafe, isOverInTime(policy)
    else { return nil }
    return policy
  }

  /// Calls that a policy makes at most.
  private static let mostCalls: Int64 = 1 << 22

  /// Whether somebody would wait for the pauses, and for the calls.
  private func isOverInTime(_ policy: Policy) -> Bool {
    guard let slice = policy.slice else { return true }
    let calls = question.workload.memory.size.divided(roundedUpBy: slice)
    return calls <= Self.mostCalls
      && policy.pause.inSeconds * Double(calls) <= PolicySpace.longestWait.inSeconds
  }

  private mutating func value(of key: PolicyKey) -> String {
    let page = question.setting.hugetlbPage ?? question.setting.granule.page
    let memory = question.workload.memory.size
    switch key {
    case .chunk:
      let size = size(page, min(memory, .gibibytes(16)), isPower: true)
      return pick(["\(size)", "mapping-aware:\(size)", "visits:\(index(below: 65_536) + 1)"])
    case .tlbi:
      return pick([
        "per-leaf", "deferred", "if-cleared", "if-cleared-span", "vmid:\(index(below: 8_192) + 1)",
      ])
    case .controller:
      let floor = size(question.setting.granule.page, .mebibytes(2), isPower: true)
      return pick(["fixed", "time:\(time(10, 50_000))/64", "feedback:\(floor)/4"])
    case .breaks: return "yes"
    case .split:
      return pick(["off"] + question.setting.blockSizes.map(\.description))
    case .log: return pick(LogStart.allCases.filter { $0 != .boot }.map(\.rawValue))
    case .harvest:
      return pick(question.vmm.harvests(question.setting))
    case .clear:
      return pick(["slot", "\(size(question.setting.granule.page * 64, memory, isPower: false))"])
    case .path:
      let present = question.presentPolicy.path(over: question.workload.teardownPath)
      return pick(question.vmm.paths(present: present).map(\.rawValue))
    case .slice:
      let isPower = chance.uniform() < 0.5
      return pick(["none"] + (0..<5).map { _ in "\(size(page, memory, isPower: isPower))" })
    case .pause: return pick(["yield", time(5, 20_000)])
    case .irq: return pick(["same", "moved"])
    case .napi: return pick(["softirq", "threaded"])
    }
  }

  private mutating func pick(_ values: [String]) -> String { values[index(below: values.count)] }

  private mutating func index(below count: Int) -> Int {
    Int(chance.uniform(below: UInt64(max(1, count))))
  }

  /// A multiple of a unit, its logarithm uniform up to a size.
  private mutating func size(_ unit: ByteCount, _ most: ByteCount, isPower: Bool) -> ByteCount {
    let count = Double(max(1, most.divided(roundedDownBy: unit)))
    if isPower { return unit * (1 << Int64(index(below: Int(log2(count)) + 1))) }
    return unit * Int64(exp2(chance.uniform() * log2(count)).rounded())
  }

  /// A time in microseconds, its logarithm uniform.
  private mutating func time(_ low: Double, _ high: Double) -> String {
    "\(Int(low * exp2(chance.uniform() * log2(high / low))))us"
  }
}
