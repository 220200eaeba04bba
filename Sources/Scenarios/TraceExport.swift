// SPDX-License-Identifier: GPL-3.0-or-later

package import Events
package import Foundation
import Machine
import Operations
import Quantities

extension Scenario {
  /// A trace in the Trace Event Format that Perfetto and chrome://tracing open: one thread a
  /// track, spans with a duration, marks without, times in microseconds.
  ///
  /// The answer is UTF-8 JSON; equal traces give equal bytes.
  package static func traceEvents(_ trace: Trace, process: String) -> Data {
    var text = #"{"displayTimeUnit":"ms","traceEvents":["#
    text += #"{"ph":"M","pid":1,"name":"process_name","args":{"name":"\#(escaped(process))"}}"#
    for (index, name) in MachineTrace.tracks.enumerated() {
      text +=
        #",{"ph":"M","pid":1,"tid":\#(index),"name":"thread_name","args":{"name":"\#(name)"}}"#
    }
    for record in trace.records {
      text += event(record)
    }
    text += #"],"otherData":{"records_omitted":"\#(trace.omitted)"}}"#
    return Data(text.utf8)
  }

  private static func event(_ record: TraceRecord) -> String {
    let name = MachineTrace.names[record.name]
    let start = microseconds(record.start.sinceStart)
    var text = #",{"pid":1,"tid":\#(record.track),"name":"\#(name)","ts":\#(start)"#
    if record.length > .zero {
      text += #","ph":"X","dur":\#(microseconds(record.length))"#
    } else {
      text += #","ph":"i","s":"t""#
    }
    if record.value != 0 {
      text += #","args":{"\#(MachineTrace.units[record.name])":\#(record.value)}"#
    }
    return text + "}"
  }

  /// A time in microseconds with three places, as the format wants it.
  private static func microseconds(_ time: Nanoseconds) -> String {
    let fraction = String(time.rawValue % 1_000)
    let padding = String(repeating: "0", count: 3 - fraction.count)
    return "\(time.rawValue / 1_000).\(padding)\(fraction)"
  }

  private static func escaped(_ text: String) -> String {
    text.filter { $0 != "\"" && $0 != "\\" && !$0.isNewline }
  }
}
