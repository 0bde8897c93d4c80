"""What calls will take before they are made, and what they took."""
