// SPDX-License-Identifier: GPL-3.0-or-later

import Observations
package import Operations
import Policies
import Profiles
import Quantities
import Randomness
import Scenarios

extension HostFit.Standing {
  /// The standing in a word.
  package var word: String {
    switch self {
    case .measured: "measured"
    case .together: "together"
    case .inherited: "inherited"
    }
  }

  /// The keys that it is only told together with.
  package var others: [String] {
    if case .together(let keys) = self { keys } else { [] }
  }
}

extension HostFit {
  /// The share by which a cost must have moved to be written where nothing measured sets it.
  private static let moved = 0.005

  /// How a fitted value's source begins, and what stands between the names of files.
  private static let (fitted, between) = ("fitted on ", ", ")

  /// A file's name without its folder and without commas, as a value's source has it.
  static func fileName(_ path: String) -> String {
    (path.split(separator: "/").last.map(String.init) ?? path).replacing(",", with: "_")
  }

  /// The files that a fitted value's source names.
  static func sources(of text: String) -> [String] {
    String(text.trimmingPrefix(fitted)).split(separator: between).map(String.init)
  }

  /// The fitted host as a profile over its base: what the measured values set or moved.
  package func profile(parent: String, kernel: String) -> String {
    let sources = residuals.map(\.sample.source).reduce(into: [String]()) { found, source in
      let name = Self.fileName(source)
      if !found.contains(name) { found.append(name) }
    }
    let values = written.map { parameter in
      ProfileText.Value(
        key: parameter.key,
        value: "\(significant(parameter.fitted, digits: 6))ns",
        why: parameter.reason,
        source: Self.fitted + sources.joined(separator: Self.between)
      )
    }
    let errors = residuals.map(\.error.magnitude).sorted()
    let middle = significant(100 * errors[errors.count / 2], digits: 2)
    return ProfileText.host(
      summary:
        "\(parent), calibrated from \(residuals.count) measured values under \(kernel); half of them lie "
        + "within \(middle) % of its predictions.",
      parent: parent,
      values: values
    )
  }

  /// The costs that the profile has: those that were measured, alone or together, or that moved.
  package var written: [Parameter] {
    parameters.filter { parameter in
      let change =
        parameter.base.map { ($0 - parameter.fitted).magnitude > Self.moved * $0 } ?? true
      return parameter.standing != .inherited || change
    }
  }
}

extension HostFit.Parameter {
  /// Why the cost has its value.
  var reason: String {
    let error = "within \(significant(100 * spread, digits: 2)) %"
    switch standing {
    case .measured: return error
    case .together(let keys):
      return
        "\(error); told only together with \(keys.joined(separator: ", ")), between which it lies as in the "
        + "base profile"
    case .inherited: return "\(error): hardly told by what was measured"
    }
  }
}

/// A value of the host whose uncertainty moves an answer, and how to measure it.
package struct NextMeasurement: Hashable, Sendable, Encodable {
  /// The key.
  package let key: String
  /// By how much the value may be off: one standard deviation of its logarithm.
  package let spread: Double
  /// The share by which the operation's time moves with that.
  package let effect: Double
  /// The command that measures it.
  package let command: String

  /// How far off a cost that nobody measured may be: a factor of two (assumed).
  private static let assumedSpread = 0.7

  /// The values that move the time of a workload's operation by a hundredth or more, the largest
  /// first, at most three.
  package static func ranked(
    _ fit: HostFit,
    setup: Setup
  ) throws(HostFitError) -> [NextMeasurement] {
    var setup = setup
    setup.host = fit.host
    let before = try time(setup)
    var found: [NextMeasurement] = []
    for key in HostProfile.keys {
      guard let cost = key.cost, let present = cost.read(fit.host), present > .zero else {
        continue
      }
      let parameter = fit.parameters.first { $0.key == key.name }
      let spread = parameter?.spread ?? assumedSpread
      var more = setup
      cost.write(&more.host, .nanoseconds(present.inNanoseconds * (1 + spread)))
      let effect = (try time(more) / before - 1).magnitude
      guard effect >= 0.01 else { continue }
      found.append(Self(key: key.name, spread: spread, effect: effect, command: command(key.name)))
    }
    return Array(found.sorted { $0.effect > $1.effect }.prefix(3))
  }

  /// The operation's time beside its load, from a window of it.
  private static func time(_ setup: Setup) throws(HostFitError) -> Double {
    var scenario = Scenario(setup, policy: setup.setting.baseline, seed: Seed(1))
    scenario.extent = .window(Window())
    do throws(OperationError) {
      let report = try scenario.run()
      return report.value(of: .migrationTime) ?? report.value(of: .teardownTime) ?? 1
    } catch {
      throw .operation(id: setup.workload.name, reason: error.description)
    }
  }

  private static func command(_ key: String) -> String {
    switch key.prefix(while: { $0 != "." }) {
    case "stage2", "tlbi":
      "Probe/stage2probe --memory 64MiB,256MiB --backing 4k,thp > probe.jsonl"
    case "fault": "Probe/stage2probe --phases fault --vcpus 1,4 > probe.jsonl"
    case "host_free":
      "Probe/stage2probe --phases host-unmap,host-unmap-slices,unmap-slices > probe.jsonl"
    case "nic":
      "iperf3 -J beside two snapshots of /proc/net/softnet_stat; s2tune observe reads them"
    case "disk": "fio --output-format=json; s2tune observe reads it"
    default: "no file of a host tells it; trace it and set it by --set \(key)=..."
    }
  }
}
