// SPDX-License-Identifier: GPL-3.0-or-later

import Operations
import PageTables
import Profiles

/// Something about a host that the user does not know.
package enum Unknown: String, Hashable, Sendable, CaseIterable, Codable {
  /// How the kernel preempts.
  case preemption
  /// On which CPU the socket's reader runs.
  case reader
  /// Whether the stable kernel carries the largest-block chunk (5.15.y after .150).
  case backport

  /// The measurement that decides.
  package var measurement: String {
    switch self {
    case .preemption:
      "read /sys/kernel/debug/sched/preempt, or the words after the version in `uname -v`"
    case .reader:
      "compare `ps -o psr= -p READER` with the CPU of the queue's interrupt in /proc/interrupts"
    case .backport:
      "count calls of kvm_pgtable_stage2_unmap with ftrace over one teardown: one a GiB where it "
        + "is backported, one in all where it is not"
    }
  }
}

/// The answers to one question under each possibility of what is unknown.
package struct VariantAnswers: Hashable, Sendable, Codable {
  /// One possibility and its answer.
  package struct Variant: Hashable, Sendable, Codable {
    /// The possibility, such as `preemption=voluntary`.
    package let label: String
    /// The answer under it.
    package let answer: Recommendation
  }

  /// The possibilities in a fixed order.
  package let variants: [Variant]
  /// Whether the recommended policy is the same under all of them.
  package let isAgreed: Bool
  /// The measurements that would decide; empty where all agree.
  package let decidedBy: [String]

  enum CodingKeys: String, CodingKey {
    case variants
    case isAgreed = "agreed"
    case decidedBy = "decided_by"
  }
}

extension Recommender {
  /// Answers the question under every possibility of what is unknown.
  package static func variants(
    _ question: Question,
    unknown: [Unknown],
    tools: TuningTools
  ) throws(TuningError) -> VariantAnswers {
    var cases = [(label: [String](), question: question)]
    for one in Unknown.allCases where unknown.contains(one) {
      cases = cases.flatMap { known in
        known.question.possibilities(of: one).map { (known.label + [$0.label], $0.question) }
      }
    }
    var variants: [VariantAnswers.Variant] = []
    for one in cases {
      let answer = try Recommender(one.question, tools: tools).recommend()
      variants.append(.init(label: one.label.joined(separator: ","), answer: answer))
    }
    let policies = Set(variants.map { $0.answer.recommended?.policy })
    return VariantAnswers(
      variants: variants,
      isAgreed: policies.count == 1,
      decidedBy: policies.count == 1
        ? [] : Unknown.allCases.filter { unknown.contains($0) }.map(\.measurement)
    )
  }
}

extension Question {
  /// The same question under each possibility of one unknown; itself where there is only one.
  fileprivate func possibilities(of unknown: Unknown) -> [(label: String, question: Question)] {
    switch unknown {
    case .preemption:
      let isLate = setup.kernel.release >= KernelRelease(major: 7, minor: 0)
      let models: [PreemptionModel] = isLate ? [.full, .lazy] : [.none, .voluntary, .full]
      return models.map { model in
        var changed = self
        changed.kernel.preemption = model
        return ("preemption=\(model.rawValue)", changed)
      }
    case .reader:
      // A free task is elsewhere from the moment the walker runs.
      return [TaskPlacement.sameCPU, .elsewhere].map { place in
        var changed = self
        changed.workload.network.reader = place
        return ("reader=\(place.rawValue)", changed)
      }
    case .backport:
      guard setup.kernel.release.major == 5, setup.kernel.release.minor == 15 else {
        return [("backport=irrelevant", self)]
      }
      return [0, 151].map { patch in
        var changed = self
        changed.kernel.release = KernelRelease(major: 5, minor: 15, patch: patch)
        return ("backport=\(patch == 0 ? "no" : "yes")", changed)
      }
    }
  }
}
