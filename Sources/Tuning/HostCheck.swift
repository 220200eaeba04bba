// SPDX-License-Identifier: GPL-3.0-or-later

package import Calibration
import Foundation
import Operations
import PageTables
import Policies
import Profiles

/// Whether a step was taken on a host.
package enum StepVerdict: String, Hashable, Sendable, CaseIterable, Codable {
  /// It was.
  case done
  /// It was not.
  case notDone = "not-done"
  /// No file that could be read says so.
  case cannotTell = "cannot-tell"
}

/// What a file of the host says.
package struct HostReading: Hashable, Sendable, Codable {
  /// The file or the files, below the root.
  package let source: String
  /// What stands there, or why nothing was read.
  package let says: String
}

/// One step of a recommendation, and whether it was taken.
package struct StepCheck: Hashable, Sendable, Codable {
  /// The step.
  package let step: ApplyStep
  /// Whether it was taken.
  package let verdict: StepVerdict
  /// Why, in a clause.
  package let reason: String
  /// What was read.
  package let readings: [HostReading]
}

/// The steps of a recommendation held against what a host shows of itself.
package struct HostCheck: Hashable, Sendable, Codable {
  /// The directory in which `/proc` and `/sys` were read.
  package let root: String
  /// Where the host is another than was asked about.
  package let notes: [String]
  /// The steps in the order of the answer; none where nothing is to be done.
  package let steps: [StepCheck]

  /// How many steps have a verdict.
  package func count(of verdict: StepVerdict) -> Int { steps.count { $0.verdict == verdict } }

  /// Whether everything that can be told is done.
  package var isDone: Bool { count(of: .notDone) == 0 }
}

extension Recommendation {
  /// Says which steps of the recommended policy a host has taken; nil where no policy is recommended.
  ///
  /// Only plain reads: nothing is written, nothing started, nothing needs a privilege. `interfaces` are
  /// those that matter; none takes all that have a device.
  package func check(
    _ question: Question,
    on host: HostFiles,
    interfaces: [String]
  ) throws(TuningError) -> HostCheck? {
    guard let text = recommended?.policy else { return nil }
    let policy: Policy
    do {
      policy = try Policy(parsing: text).canonical(in: question.setting)
    } catch {
      throw .impossiblePolicy(error.description)
    }
    var planned: [PlannedStep] = []
    for change in policy.changes(from: question.presentPolicy) {
      for one in policy.planned(change, question) where !planned.contains(one) {
        planned.append(one)
      }
    }
    let checker = HostChecker(host, vmm: question.vmm, interfaces: interfaces)
    return HostCheck(
      root: host.root,
      notes: checker.notes(question),
      steps: planned.filter { checker.concerns($0.step) }.map(checker.check)
    )
  }
}

/// Holds steps against the files of a host.
struct HostChecker {
  let host: HostFiles
  let vmm: VMM
  /// The interfaces that matter, or why there is none.
  let interfaces: Result<[String], HostFiles.Silence>
  /// The CPUs that are online, or why that is not known.
  let online: Result<NumberList, HostFiles.Silence>
  /// The processes that can be seen, or why none can.
  let processes: Result<HostFiles.Processes, HostFiles.Silence>
  /// Those of them that are VMMs.
  let guests: [(program: VMM, process: HostFiles.Process)]

  init(_ host: HostFiles, vmm: VMM, interfaces names: [String]) {
    (self.host, self.vmm) = (host, vmm)
    interfaces = Result { () throws(HostFiles.Silence) in
      try names.isEmpty ? host.interfaces() : names
    }
    online = Result { () throws(HostFiles.Silence) in try host.list(HostFiles.online) }
    processes = Result { () throws(HostFiles.Silence) in try host.processes() }
    guests = Self.guests(processes, host)
  }

  /// What was found of a step.
  struct Finding {
    var verdict: StepVerdict
    var reason: String
    var readings: [HostReading] = []
  }

  /// Whether a step is for this host: those of other programs than the one that was asked about are
  /// not; where none was named, those of programs that run.
  func concerns(_ step: ApplyStep) -> Bool {
    guard let program = VMM(rawValue: step.place) else { return true }
    guard vmm == .other else { return program == vmm }
    return !guests(of: program).isEmpty
  }

  /// The verdict on a step with what was read.
  func check(_ planned: PlannedStep) -> StepCheck {
    let found = finding(planned.trace)
    return StepCheck(
      step: planned.step,
      verdict: found.verdict,
      reason: found.reason,
      readings: found.readings
    )
  }

  private func finding(_ trace: StepTrace) -> Finding {
    switch trace {
    case .threadedNAPI(let isThreaded): threading(isThreaded)
    case .queues(let most): queues(atMost: most)
    case .noBalancer: balancer()
    case .interruptsApart: apart()
    case .interruptsTogether: together()
    case .pinned: pinned()
    case .qemu(let option, let value): qemu(option, value)
    case .call:
      Finding(
        verdict: .cannotTell,
        reason: "no file shows which calls a program will make; strace -f -p VMM_PID does"
      )
    case .capability:
      Finding(
        verdict: .cannotTell,
        reason: "no file shows which capabilities a program has asked KVM for"
      )
    case .source: source()
    }
  }

  /// A change of the kernel leaves nothing that a file would show.
  private func source() -> Finding {
    Finding(
      verdict: .cannotTell,
      reason: "no file shows the constants that a kernel was built with",
      readings: [reading(HostFiles.release)]
    )
  }

  /// Where the host is another than the question's.
  func notes(_ question: Question) -> [String] {
    var notes: [String] = []
    if let release = try? host.value(HostFiles.release),
      !release.hasPrefix("\(question.kernel.release)."), release != "\(question.kernel.release)"
    {
      notes.append(
        "the host runs Linux \(release), and the answer is for \(question.kernel.release)"
      )
    }
    if let cpus = try? online.get(), cpus.numbers.count != question.host.cpus {
      notes.append(
        "the host has CPUs \(cpus), and the profile \(question.host.name) \(question.host.cpus) of "
          + "them: where a step names a CPU, take one of the host's"
      )
    }
    return notes
  }

  /// What a file of one value says, whether or not it can be read.
  func reading(_ path: String) -> HostReading {
    do throws(HostFiles.Silence) {
      return HostReading(source: path, says: Self.quoted(try host.value(path)))
    } catch {
      return HostReading(error)
    }
  }

  /// A text of a file, cut where it is long.
  static func quoted(_ text: String) -> String {
    text.count > Self.longest ? text.prefix(Self.longest) + "..." : text
  }

  /// Characters of a file that are shown.
  private static let longest = 80
}

extension HostReading {
  /// Why a file says nothing.
  init(_ silence: HostFiles.Silence) {
    self.init(source: silence.path, says: silence.reason)
  }
}
