// SPDX-License-Identifier: GPL-3.0-or-later

import Calibration
import Operations
import PageTables
import Policies
import Profiles
import Quantities
import Reports
import Tuning

/// What can be asked about a host, a kernel and a workload: their knobs, values and limits.
struct QuestionDocument: Encodable, Sendable {
  /// Where and what is asked, in one line.
  let heading: String
  /// The operation.
  let operation: String
  /// What the host does now.
  let present: String
  /// What is to be least or most.
  let objective: String
  /// The limits that hold.
  let limits: [String]
  /// What the files that were sent set, as `key=value`.
  let observed: [String]
  /// Values that were set and that nothing here reads, each with the reason.
  let unread: [String]
  /// The knobs of a policy.
  let knobs: [Knob]
  /// The values that the page offers to change.
  let settings: [Setting]

  /// One knob.
  struct Knob: Encodable, Sendable {
    let key: String
    let summary: String
    let legal: String
    let knobClass: String
    /// What it is now.
    let present: String
    /// Why it cannot be turned here; missing where it can.
    let refused: String?
    let values: [Value]

    enum CodingKeys: String, CodingKey {
      case key, summary, legal
      case knobClass = "class"
      case present, refused, values
    }
  }

  /// One value of a knob.
  struct Value: Encodable, Sendable {
    let value: String
    /// Why it is impossible here; missing where it is possible.
    let refused: String?
  }

  /// One value of a profile.
  struct Setting: Encodable, Sendable {
    let key: String
    let summary: String
    let legal: String
    /// What the profile says.
    let present: String
    /// What holds in the question.
    let value: String
    /// Why nothing here reads it; missing where something does.
    let unread: String?
    let values: [String]
  }
}

extension QuestionDocument {
  /// The keys of the body.
  static let keys = Asked.keys + Asked.goalKeys

  /// Describes a question.
  init(_ fields: JSONFields, _ desk: Desk) throws {
    let asked = try Asked(fields, desk)
    let question = try asked.question()
    let workload = question.workload
    heading = desk.context(asked.loaded).heading
    operation = workload.operation.rawValue
    present = question.presentPolicy.description
    objective = question.goal.rawValue
    limits = question.limits.map(\.description)
    observed = asked.observed
    unread = try fields.texts("set", most: .max).compactMap { assignment in
      workload.unreadReason(ofKey: String(assignment.prefix { $0 != "=" }))
        .map { "\(assignment) is not read here: \($0)" }
    }
    knobs = PolicyKey.allCases.map { Knob($0, question) }
    let own = try asked.unchanged(desk)
    settings = Self.offered.compactMap { Setting($0.key, $0.values, asked.loaded, over: own) }
  }

  /// The values that the page has sliders for.
  private static let offered: [(key: String, values: [String])] = [
    (
      "vm.memory",
      ["256MiB", "512MiB"] + (0...10).map { ByteCount.gibibytes(1 << $0).description }
    ),
    (
      "net.offered",
      ["0bit/s", "1Gbit/s", "2.5Gbit/s", "5Gbit/s", "9.5Gbit/s", "20Gbit/s", "25Gbit/s"]
    ),
    ("net.requests", ["0", "200", "1000", "2000", "5000", "10000", "20000"]),
    ("storage.queue_depth", ["0", "1", "2", "4", "8", "16", "32", "64", "128"]),
    ("migration.link", ["1Gbit/s", "2.5Gbit/s", "10Gbit/s", "25Gbit/s", "100Gbit/s"]),
    ("unmap.rate", ["10", "100", "1000", "10000", "100000"]),
  ]
}

extension QuestionDocument.Knob {
  fileprivate init(_ key: PolicyKey, _ question: Question) {
    let now = question.presentPolicy
    self.key = key.rawValue
    (summary, legal, knobClass) = (key.summary, key.legal, key.knobClass.rawValue)
    // A key without a text here has no value that could be written either.
    present = now.text(of: key) ?? ""
    let idle = question.workload.idleReason(key)
    refused =
      idle
      ?? (question.vmm.offers(key)
        ? nil : "\(question.vmm.rawValue) cannot be told; its source would have to change")
    values = Self.texts(key, question).compactMap { text in
      var policy = now
      do throws(PolicyError) {
        try policy.set(key, to: text)
      } catch {
        return nil
      }
      do throws(PolicyError) {
        try policy.validate(in: question.setting)
      } catch {
        return .init(value: text, refused: error.description)
      }
      return .init(value: text, refused: nil)
    }
  }

  /// The values that are offered, from the least to the most.
  private static func texts(_ key: PolicyKey, _ question: Question) -> [String] {
    let granule = question.setting.granule
    func sizes(_ low: ByteCount, _ high: ByteCount) -> [String] {
      var (size, found) = (low, [String]())
      while size <= high {
        found.append(size.description)
        size = size * 2
      }
      return found
    }
    switch key {
    case .chunk:
      return sizes(granule.page, granule.largestBlock) + ["root-entry"]
    case .tlbi:
      return ["per-leaf", "deferred", "if-cleared", "if-cleared-span", "vmid:4", "vmid:64", "none"]
    case .controller:
      return ["fixed", "time:100us/64", "time:500us/64", "time:2ms/64", "feedback:64KiB/4"]
    case .breaks: return ["yes", "no"]
    case .split: return ["off"] + question.setting.blockSizes.map(\.description)
    case .log: return LogStart.allCases.map(\.rawValue)
    case .harvest: return ["clear", "get", "ring:1024", "ring:4096", "ring:16384", "ring:65536"]
    case .clear: return sizes(granule.page * 64, .gibibytes(4)) + ["slot"]
    case .path: return TeardownPath.allCases.map(\.rawValue)
    case .slice: return sizes(granule.page * 16, .gibibytes(4)) + ["none"]
    case .pause:
      return ["yield", "20us", "50us", "100us", "200us", "500us", "1ms", "2ms", "5ms", "10ms"]
    case .irq: return ["same", "moved"]
    case .napi: return ["softirq", "threaded"]
    }
  }
}

extension QuestionDocument.Setting {
  /// A value of the workload beside what its profile says; nil where nothing here reads it.
  fileprivate init?(
    _ key: String,
    _ values: [String],
    _ loaded: LoadedSetup,
    over own: LoadedSetup
  ) {
    unread = loaded.workload.profile.unreadReason(ofKey: key)
    // What brings a load of its own is read as soon as it is set.
    let trials = values.map { ($0, Self.trial(loaded, key, $0)) }
    let isRead = trials.contains {
      $1?.workload.profile.unreadReason(ofKey: key) == nil && $1 != nil
    }
    guard isRead, let known = WorkloadProfile.keys.first(where: { $0.name == key }),
      let present = own.workload.value(of: key), let value = loaded.workload.value(of: key)
    else { return nil }
    (self.key, summary, legal) = (key, known.summary, known.legal)
    (self.present, self.value) = (present, value)
    self.values = trials.filter { $1 != nil }.map(\.0)
  }

  /// The setup with a value; nil where it is not legal there.
  private static func trial(_ loaded: LoadedSetup, _ key: String, _ value: String) -> LoadedSetup? {
    var trial = loaded
    return (try? trial.set([(key, value)])) == nil ? nil : trial
  }
}

extension Loaded<WorkloadProfile> {
  /// The text of a key, or what it comes to where no file sets it and that is a number.
  fileprivate func value(of key: String) -> String? {
    if let entry = entries.first(where: { $0.key == key }) { return entry.value }
    return switch key {
    case "storage.queue_depth": "\(profile.storage.queueDepth)"
    case "net.offered": "\(profile.network.offered.rawValue)bit/s"
    case "net.requests": "\(profile.network.requests)"
    default: nil
    }
  }
}
