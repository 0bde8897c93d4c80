"""An engine without a model of its own: it asks a service that speaks OpenAI's chat protocol."""
