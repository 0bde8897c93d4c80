package org.apache.spark.sql.sparkllm

import java.util.Locale

import scala.jdk.CollectionConverters._
import scala.util.Try

import com.fasterxml.jackson.databind.ObjectMapper

import org.apache.spark.sql.Row
import org.apache.spark.sql.catalyst.expressions.{CreateMap, Expression}
import org.apache.spark.sql.types.MapType

/** The options of a call, by lower-case name, checked against the [[Vocabulary]]. */
object CallOptions {

  /** The option that is no option of the engine, but the type of the call. */
  val Returns = "returns"

  /** The option that a template puts the user's own words in. */
  val Instruction = "instruction"

  /** The options of a call of this task, of a free instruction without one. */
  def names(task: Option[TaskRule]): Seq[String] =
    task.map(_.options).getOrElse(Seq("labels")) ++ Common

  /** The options that every call has. */
  val Common: Seq[String] = Vocabulary.options.filterNot(_.ofTask).map(_.name)

  /** Whether an option may be a map. */
  def takesMap(name: String): Boolean =
    Vocabulary.options.exists(option =>
      option.name == name && Set("labels", "examples")(option.kind))

  /** Whether the last argument carries options: a MAP that is constant or written in the call. */
  def isMap(argument: Expression): Boolean = argument.dataType match {
    case _: MapType => argument.foldable || argument.isInstanceOf[CreateMap]
    case _ => false
  }

  def fromMap(argument: Expression): Seq[(String, Any)] =
    Constant(argument, "the map of options") match {
      case options: scala.collection.Map[_, _] =>
        options.toSeq.map { case (name, value) => name.toString -> value }
      case _ => Nil
    }

  def fromNamed(arguments: Seq[(String, Expression)]): Seq[(String, Any)] = {
    arguments.map { case (name, value) => name -> Constant(value, s"option $name") }
  }

  /**
   * The options by name, as values of their types; see [[CallSpec]]. An unknown name, a name given
   * twice and a value that is not of the option's type or range are errors.
   */
  def checked(options: Seq[(String, Any)], task: Option[TaskRule]): Map[String, Any] =
    options.foldLeft(Map.empty[String, Any]) { case (seen, (written, value)) =>
      val option = rule(written, task)
      if (seen.contains(option.name)) {
        throw LLMAnalysisException.duplicateOption(option.name)
      }
      seen + (option.name -> typed(option, value))
    }

  private def rule(written: String, task: Option[TaskRule]): OptionRule = {
    val name = written.toLowerCase(Locale.ROOT)
    if (!names(task).contains(name)) {
      throw LLMAnalysisException.unknownOption(written, task.map(_.name), names(task))
    }
    Vocabulary.options.find(_.name == name).getOrElse(ofTemplate(name))
  }

  /** An option that only the template of a registered task knows: any text, number or array. */
  private def ofTemplate(name: String): OptionRule =
    OptionRule(name, "any", 0, None, lowExcluded = false, Nil, ofTask = true)

  private def typed(option: OptionRule, value: Any): Any = {
    def wrong(reason: String): Nothing =
      throw LLMAnalysisException.wrongOption(option.name, value, reason)
    option.kind match {
      case "integer" =>
        val number = decimal(value).filter(_.isWhole).getOrElse(wrong("a whole number is wanted"))
        inRange(option, number, wrong).toLong
      case "number" =>
        val number = decimal(value).getOrElse(wrong("a number is wanted"))
        inRange(option, number, wrong).toDouble
      case "text" => value match {
        case text: String if text.trim.nonEmpty => text
        case _ => wrong("a text is wanted")
      }
      case "flag" =>
        Option(value).map(_.toString.toLowerCase(Locale.ROOT)) match {
          case Some("true") => true
          case Some("false") => false
          case _ => wrong("true or false is wanted")
        }
      case "labels" => labels(value, wrong)
      case "examples" => pairs(value).getOrElse(
        wrong("an array of pairs is wanted, each an input and its label"))
      case "fields" => value match {
        case ddl: String if ddl.trim.nonEmpty && !ddl.trim.startsWith("[") => ddl
        case names => texts(names, wrong)
      }
      case "any" => value match {
        case null => wrong("it is NULL")
        case items: scala.collection.Seq[_] => items.toSeq
        case whole: Integer => whole.toLong
        case other => other
      }
      case "texts" => texts(value, wrong)
      case "strings" => strings(value, wrong)
      case "word" =>
        Option(value).map(_.toString.toLowerCase(Locale.ROOT)).filter(option.words.contains)
          .getOrElse(wrong(s"it is none of ${option.words.mkString(", ")}"))
      case "type" => value match {
        case text: String => text
        case _ => wrong("a text is wanted")
      }
    }
  }

  private def decimal(value: Any): Option[BigDecimal] = value match {
    case _: Boolean | null => None
    case number => Try(BigDecimal(number.toString.trim)).toOption
  }

  private def inRange(
      option: OptionRule, number: BigDecimal, wrong: String => Nothing): BigDecimal = {
    val tooLow = number < option.low || (option.lowExcluded && number == BigDecimal(option.low))
    if (tooLow || option.high.exists(number > _)) {
      val low = s"${if (option.lowExcluded) "above" else "at least"} ${plain(option.low)}"
      val high = option.high.map(high => s" and at most ${plain(high)}").mkString
      wrong(s"a value $low$high is wanted")
    }
    number
  }

  private def plain(bound: Double): String =
    BigDecimal(bound).bigDecimal.stripTrailingZeros.toPlainString

  /** One text or an array of texts, blanks kept: `stop => '\n'`. */
  private def strings(value: Any, wrong: String => Nothing): Seq[String] = {
    val items = value match {
      case json: String if json.startsWith("[") => jsonArray(json, wrong)
      case text: String => Seq(text)
      case items: scala.collection.Seq[_] => items.toSeq
      case _ => Nil
    }
    if (items.isEmpty || items.exists(item => item == null || item.toString.isEmpty)) {
      wrong("a text or an array of texts is wanted, none of them NULL or empty")
    }
    items.map(_.toString)
  }

  private def jsonArray(json: String, wrong: String => Nothing): Seq[Any] =
    Try(new ObjectMapper().readValue(json, classOf[java.util.List[Any]]).asScala.toSeq)
      .getOrElse(wrong("it is no JSON array"))

  private def labels(value: Any, wrong: String => Nothing): Seq[Any] = value match {
    case map: scala.collection.Map[_, _] => described(map.toSeq, wrong)
    case json: String if json.trim.startsWith("{") =>
      described(
        Try(new ObjectMapper().readValue(json, classOf[java.util.LinkedHashMap[String, Any]])
          .asScala.toSeq).getOrElse(wrong("it is no JSON object")), wrong)
    case _ => texts(value, wrong)
  }

  /** Labels with descriptions, as pairs: their order is that of the prompt. */
  private def described(entries: Seq[(Any, Any)], wrong: String => Nothing): Seq[Any] = {
    val names = texts(entries.map(_._1), wrong)
    names.zip(entries).map { case (name, (_, text)) => Seq(name, Option(text).mkString) }
  }

  /** Pairs of texts: a map, an array of structs or arrays of two, or that as JSON. */
  private def pairs(value: Any): Option[Seq[Any]] = {
    def pair(entry: Any): Option[Seq[Any]] = (entry match {
      case row: Row => Some(row.toSeq)
      case items: scala.collection.Seq[_] => Some(items.toSeq)
      case items: java.util.List[_] => Some(items.asScala.toSeq)
      case (first, second) => Some(Seq(first, second))
      case _ => None
    }).filter(items => items.size == 2 && !items.contains(null)).map(_.map(_.toString))
    val entries: Option[Seq[Any]] = value match {
      case map: scala.collection.Map[_, _] => Some(map.toSeq)
      case items: scala.collection.Seq[_] => Some(items.toSeq)
      case json: String =>
        Try(new ObjectMapper().readValue(json, classOf[java.util.List[Any]]).asScala.toSeq).toOption
      case _ => None
    }
    entries.map(_.map(pair)).filter(_.forall(_.isDefined)).map(_.flatten)
  }

  private def texts(value: Any, wrong: String => Nothing): Seq[String] = {
    val items = value match {
      case json: String if json.trim.startsWith("[") => jsonArray(json, wrong)
      case list: String => list.split(",", -1).toSeq
      case items: scala.collection.Seq[_] => items.toSeq
      case _ => wrong("an array of texts is wanted")
    }
    if (items.contains(null)) {
      wrong("none of the texts may be NULL")
    }
    val labels = items.map(_.toString.trim)
    if (labels.isEmpty || labels.exists(_.isEmpty)) {
      wrong("there must be at least one text and no empty one")
    }
    if (labels.distinct.size != labels.size) {
      wrong("each text may stand there once")
    }
    labels
  }
}
