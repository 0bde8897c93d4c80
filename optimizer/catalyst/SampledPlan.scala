package org.apache.spark.sql.sparkllm

import org.apache.spark.sql.catalyst.expressions._
import org.apache.spark.sql.catalyst.expressions.aggregate.{CollectList, First}
import org.apache.spark.sql.catalyst.plans.logical._
import org.apache.spark.sql.catalyst.trees.TreePattern.PYTHON_UDF
import org.apache.spark.sql.classic.SparkSession
import org.apache.spark.sql.types._

/**
 * What `sparkllm_optimizer` says about a sample of the distinct inputs of calls: in which order their
 * columns begin the prompts, and where partitions of equal work begin. It is a subquery, so it runs
 * when the query does, never for EXPLAIN:
 *
 * {{{
 *   Aggregate [first(plan.order), collect_list(prefix_key(input) where plan.begins)]
 *   +- Project [python(input) AS plan, input]
 *      +- Generate [explode(sample.inputs) AS input]
 *         +- Aggregate [input_sample(input) AS sample]
 *            +- Project [struct(a, b) AS input]
 *               +- Relation [a, b]
 * }}}
 *
 * @param subquery its value is a struct of `order` and `bounds`
 */
case class SampledPlan(subquery: ScalarSubquery) {

  /** Positions of the columns, an array of integers. */
  def order: Expression = GetStructField(subquery, 0, Some("order"))

  /** Where partitions begin, keys in ascending order. */
  def bounds: Expression = GetStructField(subquery, 1, Some("bounds"))
}

object SampledPlan {
  private val Function = "sparkllm.worker.sampled_plan.PlanFunction"
  private val FewestInputs = 4096
  private val MostInputs = 65536
  private val InputsOfPartition = 1024

  private val planType: StructType = new StructType()
    .add("order", ArrayType(IntegerType, containsNull = false))
    .add("begins", BooleanType)

  /** Whether a sample of these rows can be taken without asking a call. */
  def isPossible(evaluation: LLMEval): Boolean =
    !evaluation.child.isStreaming &&
      !evaluation.child.exists(node => node.isInstanceOf[LLMEval] || isOfOthers(node)) &&
      evaluation.unguardedCalls.forall(!_.spec.isOnGroups) &&
      evaluation.columns.forall(!_.containsPattern(PYTHON_UDF))

  /** What is defined elsewhere in the query, and has no meaning in a subquery. */
  private def isOfOthers(node: LogicalPlan): Boolean = node match {
    case _: CTERelationRef | _: WithCTE => true
    case other => other.expressions.exists(_.exists(_.isInstanceOf[OuterReference]))
  }

  /** The plan of the rows below `evaluation` for so many partitions. */
  def of(evaluation: LLMEval, partitions: Int): SampledPlan = {
    val sampled = sampleOf(evaluation, inputsFor(partitions))
    val input = sampled.output.last
    val python = new PythonEvaluation(evaluation.unguardedCalls)
    val known = evaluation.order.flatMap(PrefixKey.positions(_)).map("order" -> _)
    val asked = Map[String, Any]("parts" -> partitions) ++ known
    val plan = Alias(python.functionOf(Function, input, planType, asked), "plan")()
    val planned = Project(Seq(plan, input), sampled)
    val order = GetStructField(plan.toAttribute, 0)
    val begins = GetStructField(plan.toAttribute, 1)
    val key = PrefixKey(order, LLMEval.cells(fieldsOf(input)))
    val bound = If(begins, key, Literal(null, BinaryType))
    val found = Aggregate(
      Nil,
      Seq(
        Alias(First(order, ignoreNulls = true).toAggregateExpression(), "order")(),
        Alias(CollectList(bound).toAggregateExpression(), "bounds")()),
      planned)
    val result = CreateNamedStruct(Seq(
      Literal("order"), found.output(0), Literal("bounds"), new SortArray(found.output(1))))
    SampledPlan(ScalarSubquery(optimized(Project(Seq(Alias(result, "sampled")()), found))))
  }

  /** Rows `rows`, `distinct` and `input`, one for each of the sampled distinct inputs. */
  def sampleOf(evaluation: LLMEval, most: Int): LogicalPlan = {
    val arguments = new PythonEvaluation(evaluation.unguardedCalls).argumentStruct
    val input = Alias(arguments, "input")()
    val asked = evaluation.guard.fold(evaluation.child)(Filter(_, evaluation.child))
    val sample = Alias(
      InputSample(input.toAttribute, most).toAggregateExpression(), "sample")()
    val aggregate = Aggregate(Nil, Seq(sample), Project(Seq(input), asked))
    val names = InputSample.resultType(arguments.dataType).names
    val fields = names.zipWithIndex.map { case (name, position) =>
      Alias(GetStructField(sample.toAttribute, position), name)()
    }
    val parts = Project(fields.toSeq, aggregate)
    val exploded = AttributeReference("input", arguments.dataType, nullable = false)()
    Generate(Explode(parts.output.last), Seq(2), outer = false, None, Seq(exploded), parts)
  }

  private def inputsFor(partitions: Int): Int =
    math.min(MostInputs, math.max(FewestInputs, partitions * InputsOfPartition))

  private def fieldsOf(struct: Attribute): Seq[Expression] =
    struct.dataType.asInstanceOf[StructType].indices.map(GetStructField(struct, _))

  private def optimized(plan: LogicalPlan): LogicalPlan =
    SparkSession.active.sessionState.optimizer.execute(plan)
}
