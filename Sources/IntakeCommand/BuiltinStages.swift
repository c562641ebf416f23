import Base64Stage
import DCAMSStage
import DecodeStage
import ExternalStage
import GateStage
public import IntakeCore
import LoadStage
import NoahStage
import RecordStage
import ShrinkStage
import SubmitStage
import TemplateStage

extension StageRegistry {
  /// The stages that come with the program, in pipeline order.
  public static let builtin = StageRegistry()
    .adding(Load.self)
    .adding(Decode.self)
    .adding(Gate.self)
    .adding(Shrink.self)
    .adding(Base64.self)
    .adding(DCAMS.self)
    .adding(Noah.self)
    .adding(Template.self)
    .adding(Submit.self)
    .adding(Record.self)
    .adding(External.self)
}
