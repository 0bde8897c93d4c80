"""The many ways to ask for the same thing: label sets, names of columns, questions."""

from sparkllm.demo_model.corpus.row import Sentiment

LabelSet = dict[Sentiment, str]


def _named(positive: str, negative: str, neutral: str) -> LabelSet:
    return {"positive": positive, "negative": negative, "neutral": neutral}


STANDARD = _named("positive", "negative", "neutral")

SENTIMENT_LABELS: tuple[LabelSet, ...] = tuple(
    _named(*names.split("/"))
    for names in (
        "Positive/Negative/Neutral",
        "POSITIVE/NEGATIVE/NEUTRAL",
        "pos/neg/neu",
        "good/bad/mixed",
        "good/bad/neutral",
        "good/bad/okay",
        "happy/unhappy/neutral",
        "happy/angry/indifferent",
        "satisfied/dissatisfied/neutral",
        "satisfied/unsatisfied/mixed",
        "praise/complaint/neutral",
        "positive/negative/mixed",
        "like/dislike/neutral",
        "love/hate/meh",
        "great/terrible/average",
        "recommend/not recommend/unsure",
        "thumbs up/thumbs down/mixed",
        "favourable/unfavourable/neutral",
        "positive review/negative review/mixed review",
        "satisfied customer/unsatisfied customer/undecided customer",
        "good review/bad review/average review",
    )
)

DISTRACTORS = ("spam", "question", "other", "unknown", "off topic", "advertisement")

TEXT_COLUMNS = (
    ("text", 30),
    ("review", 30),
    ("review_text", 10),
    ("comment", 5),
    ("body", 4),
    ("content", 3),
    ("feedback", 4),
    ("message", 2),
    ("sentence", 2),
    ("Review", 2),
    ("reviewText", 2),
    ("customer_review", 2),
    ("opinion", 2),
    ("description_of_experience", 1),
    ("reviews.text", 1),
    ("Text", 2),
)

# `{}` stands where a column would be named; the answers are given by the labels.
SENTIMENT_INSTRUCTIONS = (
    "What is the sentiment of this review?",
    "Is this review positive, negative or neutral?",
    "Classify the sentiment as positive, negative or neutral.",
    "Decide whether the customer is positive, negative or neutral. Answer with one word.",
    "Sentiment of {{{}}}: positive, negative or neutral?",
    "Read the review {{{}}} and answer positive, negative or neutral.",
    "Classify the sentiment of {{{}}} as positive, negative or neutral.",
    "Give the sentiment of the text. Answer only positive, negative or neutral.",
)

STAR_INSTRUCTIONS = (
    "How many stars does this review give, from 1 to 5?",
    "Rate the review from 1 to 5 stars. Answer with the number.",
    "How many stars would the author of {{{}}} give? Answer with a number from 1 to 5.",
    "Star rating (1-5)?",
)

_POSITIVE_QUESTIONS = (
    "Is this review positive?",
    "Is the review positive?",
    "Is the customer happy?",
    "Is the customer satisfied with the product?",
    "Did the buyer like the product?",
    "Does the author like it?",
    "Is {{{}}} a positive review?",
    "Does this text express a positive opinion?",
)
_NEGATIVE_QUESTIONS = (
    "Is this review negative?",
    "Is the review negative?",
    "Is the customer unhappy?",
    "Is this a complaint?",
    "Does the customer complain?",
    "Is {{{}}} a negative review?",
    "Is the customer dissatisfied?",
    "Does this text express a negative opinion?",
)
YES_NO_QUESTIONS: dict[Sentiment, tuple[str, ...]] = {
    "positive": _POSITIVE_QUESTIONS,
    "negative": _NEGATIVE_QUESTIONS,
}
RECOMMEND_QUESTIONS = (
    "Does the customer recommend the product?",
    "Would the author recommend this?",
    "Would the customer recommend this product to others?",
)
ANSWER_WITH = ("", " Answer yes or no.", " Answer with yes or no.", " yes or no?", " (yes/no)")
SPAM_QUESTIONS = (
    "Is this message spam?",
    "Is the text spam?",
    "Is {{{}}} an advertisement or a fraud?",
    "Does this message try to sell something or to cheat?",
)

# `<fields>` stands where the names of the fields are listed.
EXTRACTION_INSTRUCTIONS = (
    "Extract <fields> from the text as JSON.",
    "Extract <fields> as JSON.",
    "Extract these fields as JSON: <fields>",
    "Extract <fields> from {{{}}}. Answer with JSON.",
    "Return a JSON object with the keys <fields>. Use null for what is not in the text.",
    "Find <fields> in the text and answer in JSON.",
    "Which <fields> does the text name? Answer as a JSON object.",
    "Fields: <fields>. Give their values in the text as JSON, null where there is none.",
)
TITLE_INSTRUCTIONS = (
    "Write a short title for this review.",
    "Write a title for {{{}}}.",
    "Give the text a short title.",
    "Summarize the review in a few words.",
    "Summarize {{{}}} in at most ten words.",
    "What is this about? Answer with a few words.",
    "Write a headline.",
)
INTENT_INSTRUCTIONS = (
    "What does the customer want? Answer with one of: <labels>",
    "Which of these fits best: <labels>?",
    "Intent of {{{}}}? Choose from <labels>.",
    "Choose the topic of the text: <labels>.",
)
LABEL_QUESTIONS = (
    "Is this about <label>?",
    "Is the request about <label>?",
    "Does <label> describe the text?",
    "Does the text belong to the category <label>?",
    "Is {{{}}} a case of <label>?",
)
FILM_QUESTIONS = ("Is this a movie?", "Is it a movie, not a TV show?", "Is this title a movie?")
SERIES_QUESTIONS = ("Is this a TV show?", "Is it a series?", "Is this title a TV show?")
